"""The steps of `palate demo cars`, each told as it happens."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from palate.cli.appender import append_all
from palate.cli.demo.cars import show
from palate.cli.demo.cars.models import choose_model
from palate.cli.demo.cars.shop import PAST_DAYS, Shop
from palate.cli.demo.cars.stream import Stream
from palate.cli.demo.cars.swap import swap_under_load
from palate.cli.demo.cars.visitor import Visitor, choose_visitor
from palate.cli.demo.client import Client
from palate.cli.demo.homes import refuse_a_second_demo
from palate.cli.demo.service import free_port, serving
from palate.cli.demo.steps import Steps
from palate.cli.layout import ago
from palate.cli.terminal import Terminal
from palate.cli.workspace import Workspace
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.release.registry import Releases

__all__ = ["CarsLoop"]

NAME = "cars"  # of the release
BY = "palate demo cars"
N_CARS, N_VISITORS = 20_000, 2_000  # cars that ever come on sale, and visitors
CLICKS = 10
LONGEST_WAIT_S = 10.0
LONGEST_START_S = 90.0
ASKS_AFTER_A_SALE = 30  # both workers are asked


class CarsLoop:
    """Market, log, release, service; then a visitor, a sale, a price, and a swap under load.

    Attributes:
        facts: What a program wants to know of it all; the answer of `--json`.

    Args:
        terminal: Is told.
        home: Keeps everything.
    """

    def __init__(self, terminal: Terminal, home: Path) -> None:
        self.home = home
        self.facts: dict[str, Any] = {"home": home}
        self._terminal = terminal
        self._steps = Steps(terminal)
        self._row = 0
        self._choice = choose_model()
        self.facts["model"] = self._choice.model

    # ------------------------------------------------------------------ before the service

    def prepare(self) -> None:
        """Draw the market, log its past, release a model of it."""
        refuse_a_second_demo(self.home)
        self.home.mkdir(parents=True, exist_ok=True)
        self._draw()
        self._fill_log()
        with Workspace(self.settings).releases() as releases, self._steps.step("Release") as step:
            ref = releases.aliases().get(self.settings.serve.alias)
            if ref is not None:
                step.tell(f"{ref} is there from an earlier run")
            else:
                ref, said = self._release(releases, "the first model")
                self._promote(releases, ref)
                step.tell(said)
            self.facts["release"] = ref

    def _draw(self) -> None:
        with self._steps.step("Market") as step:
            self.shop = Shop(N_CARS, N_VISITORS, seed=42)
            self._row = choose_visitor(self.shop, show.ATTRIBUTES)
            cars, here = self.shop.cars, len(self.shop.live)
            step.tell(f"{cars.n_items:,} cars, {here:,} of them on sale today, by a seed; ")
            step.tell(f"{cars.n_visitors:,} visitors whose tastes are known to us alone")
        self.settings = self._load_settings()
        self.facts["cars"] = {"ever": cars.n_items, "on_sale": here, "visitors": cars.n_visitors}

    def _load_settings(self) -> Settings:
        from palate.config import load_settings
        from palate.data.init_file import render_schema

        file = self.home / "palate.toml"
        if not file.exists():
            file.write_text(render_schema(self.shop.cars.schema) + self._choice.settings)
        return load_settings(file, {"home": self.home})

    def _fill_log(self) -> None:
        from palate.features.ingest import open_ingest
        from palate.features.profile.refresh import refresh_prior

        with (
            self._steps.step("Event log") as step,
            self._terminal.progress() as progress,
            open_ingest(self.home, self.settings, progress) as ingest,
        ):
            if ingest.log.head() > 0:
                step.tell(f"{ingest.log.head():,} events are there from an earlier run")
                return
            past = self.shop.past()
            counts = append_all(ingest, past, total=len(past), progress=progress)
            refresh_prior(ingest.state.profiles, time.time_ns() // 1000)
            step.tell(f"{counts}: what dealers and visitors did in the last {PAST_DAYS} days;")
            step.tell("every car's state and every visitor's profile is kept beside it")

    def _release(self, releases: Releases, reason: str) -> tuple[str, str]:
        """Fit on all that the log holds now; the release, and what to say of it."""
        with self._terminal.progress() as progress:
            dataset = Workspace(self.settings).dataset(progress, name=NAME)
            release = releases.create(
                self._choice.build(self.settings).fit(dataset, progress=progress),
                name=NAME,
                dataset=dataset,
                by=BY,
                reason=reason,
            )
        return (
            release.ref,
            f"{release.ref}: {self._choice.model}, fitted on {len(dataset):,} events",
        )

    def _promote(self, releases: Releases, ref: str) -> str:
        releases.promote(ref, self.settings.serve.alias, by=BY, reason="the demo's newest")
        return ref

    # ------------------------------------------------------------------ the service

    @contextmanager
    def serve(self, port: int) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
        """Start the service; it ends with the block."""
        with ExitStack() as running:
            with self._steps.step("Serve") as step:
                client, process = running.enter_context(
                    serving(self.home, self.home / "palate.toml", port=free_port(port))
                )
                step.tell(f"{client.url}  ({self.settings.serve.workers} workers)")
                self._wait_for_indexes(client)
            self.facts["url"] = client.url
            yield client, process

    def _wait_for_indexes(self, client: Client) -> None:
        """Until no worker's answer is degraded: each makes an index of the catalogue."""
        probe = Visitor(client, self.shop, 0, "probe", surface=self._choice.surface)
        deadline = time.monotonic() + LONGEST_START_S
        in_a_row = 0
        while in_a_row < ASKS_AFTER_A_SALE:
            in_a_row = 0 if probe.ask().degraded else in_a_row + 1
            if time.monotonic() > deadline:
                raise PalateError(
                    f"answers are still degraded after {LONGEST_START_S:.0f} s",
                    hint="see serve.log in the demo's home",
                )

    def converse(self, client: Client) -> str:
        """All that is shown while dealers and visitors go on; what to type next."""
        visitor = Visitor(
            client, self.shop, self._row, f"demo-{time.time_ns():x}", surface=self._choice.surface
        )
        stream = Stream(client, self.shop.future())
        with stream.running():
            self._sharpen(client, visitor, stream)
            self._sell(client, visitor, stream)
            self._cut(client, visitor, stream)
            if self._choice.knows_new_cars:
                self._list(client, visitor)
            self._swap(client)
        self._tell_of_stream(stream)
        self.facts["seconds"] = self._steps.seconds
        return show.curl_lines(client.url, visitor.name)

    def _sharpen(self, client: Client, visitor: Visitor, stream: Stream) -> None:
        """Ask, click, ask again: the profile and the slate after each click."""
        rows, told = [], []
        with self._steps.step("A visitor") as step:
            step.tell("Nobody knows this visitor. They look at what they like best of what is")
            step.tell("recommended; their profile and the next slate follow from the log.\n")
            slate = visitor.ask()
            for click in range(CLICKS + 1):
                profile = show.Profile.of(client, visitor.name) if click else None
                delight = visitor.delight(slate)
                told.append({"delight": delight, "profile": profile.plain() if profile else None})
                rows.append(show.sharpening(click, profile, delight, slate.milliseconds))
                if click < CLICKS:
                    event, item = visitor.click(slate)
                    stream.spared.add(item)
                    rows[-1].append(f"{event} {self.shop.title[item]}")
                    slate = visitor.ask()
                else:
                    rows[-1].append("")
            stream.spared.update(slate.items)
            step.tell(show.sharpening_table(rows))
            wanted = visitor.truth(show.ATTRIBUTES)
            step.tell(f"\nThe truth    {show.truth_line(wanted)}")
            step.tell(
                "delight: how much the first ten are liked; chance is 0, the best there are 1"
            )
        self.facts |= {"visitor": visitor.name, "clicks": told, "truth": wanted}

    def _sell(self, client: Client, visitor: Visitor, stream: Stream) -> None:
        """The first car of the slate is sold; no answer shows it any more."""
        with self._steps.step("Sold") as step:
            before = visitor.ask()
            sold = before.items[0]
            stream.spared.add(sold)
            started = time.perf_counter()
            client.delete(f"/v1/items/{sold}")
            took = 1000 * (time.perf_counter() - started)
            answers = [visitor.ask() for _ in range(ASKS_AFTER_A_SALE)]
            shown = sum(sold in answer.items for answer in answers)
            step.tell(f"{self.shop.title[sold]}, first of the slate, is sold:")
            step.tell(
                f"acknowledged in {took:.0f} ms; in {shown} of the next {len(answers)} answers"
            )
        if shown:
            raise PalateError(f"{sold} was sold, and {shown} answers still showed it")
        self.facts["sold"] = {"item_id": sold, "acknowledged_ms": took, "shown_after": shown}

    def _cut(self, client: Client, visitor: Visitor, stream: Stream) -> None:
        """A price falls below what is asked for at most; the next answer has the car."""
        with self._steps.step("Price") as step:
            car = visitor.ask().items[0]
            stream.spared.add(car)
            attributes = client.get(f"/v1/items/{car}")["attributes"]
            least = round(0.9 * attributes["price"])
            cheaper = {"price": {"max": least}}
            before = car in visitor.ask(filters=cheaper).items
            started = time.perf_counter()
            client.put(f"/v1/items/{car}", {"attributes": {**attributes, "price": least - 10}})
            place = self._place(visitor, car, started, cheaper)
            took = 1000 * (time.perf_counter() - started)
            step.tell(f"{self.shop.title[car]}: {attributes['price']:,.0f} → {least - 10:,} euros")
            step.tell(
                f'Asked for "at most {least:,}": {"there" if before else "not there"} before, '
                + (f"place {place} " if place else "not there ")
                + f"{took:.0f} ms after the change was sent"
            )
        self.facts["price"] = {"item_id": car, "before": before, "place": place, "took_ms": took}

    def _list(self, client: Client, visitor: Visitor) -> None:
        """A twin of the car that the visitor looked at last comes on sale, under another id."""
        with self._steps.step("Listed") as step:
            like = client.get(f"/v1/items/{visitor.last}")["attributes"]
            new = f"new-{time.time_ns():x}"
            started = time.perf_counter()
            client.put(f"/v1/items/{new}", {"attributes": like})
            place = self._place(visitor, new, started)
            took = 1000 * (time.perf_counter() - started)
            step.tell(f"Another {like['title']}, as they looked at last,")
            step.tell("comes on sale, under an id that no model has seen:")
            step.tell(
                f"place {place} of the slate {took:.0f} ms after it was sent"
                if place
                else f"not on the slate within {LONGEST_WAIT_S:.0f} s"
            )
        self.facts["listed"] = {"item_id": new, "place": place, "took_ms": took}

    def _place(
        self, visitor: Visitor, car: str, since: float, filters: dict[str, Any] | None = None
    ) -> int | None:
        """The car's place on the visitor's slate, from 1, once it is there."""
        while time.perf_counter() < since + LONGEST_WAIT_S:
            items = visitor.ask(filters=filters).items
            if car in items:
                return items.index(car) + 1
        return None

    def _swap(self, client: Client) -> None:
        """A model of everything up to now takes over while many ask."""
        with Workspace(self.settings).releases() as releases, self._steps.step("Swap") as step:
            ref, said = self._release(releases, "what happened since")
            step.tell(said)
            names = self.shop.cars.visitor_ids.to_list()[:500]
            swap = swap_under_load(
                client, names, lambda: self._promote(releases, ref), self._choice.surface
            )
            by_release = ", ".join(f"{n:,} by {r}" for r, n in sorted(swap.answers.items()))
            step.tell(f"{sum(swap.answers.values()):,} answers meanwhile: {by_release};")
            step.tell(
                f"{len(swap.failures)} failed; the first new answer {ago(swap.followed_s)} after "
                f"the promotion; {_quantiles(swap.waits_ms)}"
            )
        if swap.failures:
            raise PalateError(f"a request failed during the swap: {swap.failures[0]}")
        self.facts["swap"] = {
            "release": ref,
            "answers": dict(swap.answers),
            "failures": len(swap.failures),
            "p99_ms": float(np.percentile(swap.waits_ms, 99)),
        }

    def _tell_of_stream(self, stream: Stream) -> None:
        with self._steps.step("Meanwhile") as step:
            said = ", ".join(f"{n:,} {event}" for event, n in stream.posted.most_common())
            step.tell(f"Dealers and visitors posted {said};")
            step.tell(f"{len(stream.failures)} failed; {_quantiles(stream.waits_ms)}")
        if stream.failures:
            raise PalateError(f"an event was not taken: {stream.failures[0]}")
        self.facts["stream"] = {"posted": dict(stream.posted), "failures": len(stream.failures)}


def _quantiles(waits_ms: Sequence[float]) -> str:
    if not waits_ms:
        return "nothing was timed"
    half, most = np.percentile(waits_ms, [50, 99])
    return f"p50 {half:.0f} ms, p99 {most:.0f} ms"
