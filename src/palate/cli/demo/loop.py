"""The demo's steps, each told as it happens."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palate.cli.appender import append_all
from palate.cli.demo.choice import SHOWN
from palate.cli.demo.client import Client
from palate.cli.demo.contest import run_contest, standings
from palate.cli.demo.conversation import Films, ask, tell, untouched
from palate.cli.demo.data import DemoData, find_data
from palate.cli.demo.homes import refuse_a_second_demo
from palate.cli.demo.kernels import LONGEST_S, compiling
from palate.cli.demo.service import free_port, serving
from palate.cli.demo.show import after_table, before_table, curl_lines
from palate.cli.demo.steps import Steps
from palate.cli.terminal import Terminal
from palate.cli.workspace import Workspace
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.data.dataset import Dataset
    from palate.evaluate.comparison import Comparison
    from palate.models.base import Recommender
    from palate.release.registry import Releases

__all__ = ["Loop"]

NAME = "movies"  # of the release
BY = "palate demo"


class Loop:
    """Data, log, contest, release, service, conversation: once each, in this order.

    Attributes:
        facts: What a program wants to know of it all; the answer of `--json`.
        first_answer: When the first recommendation had come, monotonic seconds.
    """

    def __init__(self, terminal: Terminal, home: Path) -> None:
        self.home = home
        self.facts: dict[str, Any] = {"home": home}
        self.first_answer = 0.0
        self._terminal = terminal
        self._steps = Steps(terminal)
        self._data: DemoData | None = None

    @property
    def dataset(self) -> Dataset:
        """What the demo runs on; `prepare` finds it."""
        assert self._data is not None
        return self._data.dataset

    @cached_property
    def settings(self) -> Settings:
        """Those of the demo's own file, written from what the data hold."""
        from palate.config import load_settings
        from palate.data.init_file import render_schema

        file = self.home / "palate.toml"
        if not file.exists():
            file.write_text(render_schema(self.dataset.schema))
        return load_settings(file, {"home": self.home})

    # ------------------------------------------------------------------ before the service

    def prepare(self, *, accept_licence: bool, public: bool) -> None:
        """Find data, log them, compare models, release the best."""
        refuse_a_second_demo(self.home)
        self.home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as beside:
            # Without a report nothing has been compared here, so kernels may be missing.
            compiler = (
                None
                if self._report.is_file()
                else beside.enter_context(compiling(self.home / "kernels.log"))
            )
            self._find_data(accept_licence=accept_licence, public=public)
            self._fill_log()
            if compiler is not None:
                self._wait_for_kernels(compiler)
        with Workspace(self.settings).releases() as releases:
            if self._released(releases) is None:
                self._release(releases, self._compare())

    def _find_data(self, *, accept_licence: bool, public: bool) -> None:
        with self._steps.step("Data") as step, self._terminal.progress() as progress:
            data = self._data = find_data(
                self.home, accept_licence=accept_licence, public=public, progress=progress
            )
            if data.missed is not None:
                step.tell(f"No MovieLens here: {data.missed}")
            ours = data.dataset
            step.tell(
                f"{ours.name}: {len(ours):,} events of {ours.n_users:,} people on "
                f"{ours.n_items:,} films"
            )
            step.tell(data.about)
        self.facts["data"] = {"name": ours.name, "events": len(ours), "missed": data.missed}

    def _fill_log(self) -> None:
        from palate.data.from_log import dataset_to_events
        from palate.features.ingest import open_ingest

        data = self.dataset
        total = len(data) + data.items.height + data.users.height
        with (
            self._steps.step("Event log") as step,
            self._terminal.progress() as progress,
            open_ingest(self.home, self.settings, progress) as ingest,
        ):
            if ingest.log.head() >= total:
                step.tell(f"{ingest.log.head():,} events are there from an earlier run")
                return
            events = dataset_to_events(data, prefix="demo")
            counts = append_all(ingest, events, total=total, progress=progress)
            step.tell(f"{counts}; the state of every user and item is kept beside it")

    def _wait_for_kernels(self, compiler: subprocess.Popen[bytes]) -> None:
        with self._steps.step("Kernels") as step:
            failed = compiler.wait(LONGEST_S) != 0
            step.tell(
                f"could not be compiled ahead, see {self.home / 'kernels.log'}"
                if failed
                else "compiled beside the steps before; kept on disk for the next time"
            )

    def _released(self, releases: Releases) -> str | None:
        """What an earlier run released; that run's data must be this one's."""
        ref = releases.aliases().get(self.settings.serve.alias)
        if ref is None or not self._report.is_file():
            return None
        manifest = releases.resolve(ref).manifest
        if manifest.data.checksum != self.dataset.checksum:
            raise PalateError(
                f"{self.home} holds a demo on other data: {manifest.data.name}",
                hint=f"rm -r {self.home} begins anew",
            )
        with self._steps.step("Release") as step:
            step.tell(f"{ref} ({manifest.model}) is there from an earlier run")
            step.tell(f"report  {self._report}")
        self.facts |= {"release": ref, "report": self._report}
        return ref

    @property
    def _report(self) -> Path:
        return self.home / "report.html"

    def _compare(self) -> Comparison:
        with self._steps.step("Compare") as step, self._terminal.progress() as progress:
            comparison = run_contest(self.dataset, self.settings, progress)
            Workspace(self.settings).record(comparison)
            self._report.write_text(comparison.to_html())
            protocol = comparison.protocol
            step.tell(
                f"{len(comparison.rows)} models, one protocol: {protocol.split_words}, "
                f"{comparison.data.test_rows:,} events to foretell\n"
            )
            step.tell(standings(comparison))
            step.tell(f"\nreport  {self._report}")
        self.facts["models"] = {
            row.name: judgement.intervals[protocol.main].estimate
            for row, judgement in comparison.judged
        }
        self.facts |= {"report": self._report, "metric": protocol.label(protocol.main)}
        return comparison

    def _release(self, releases: Releases, comparison: Comparison) -> None:
        best = comparison.best
        assert best.judgement is not None
        protocol = comparison.protocol
        with self._steps.step("Release") as step:
            model = comparison.fitted[best.name].fit(self.dataset)
            metrics = {
                f"{name}@{protocol.k}": best.judgement.intervals[name] for name in protocol.metrics
            }
            release = releases.create(
                model,
                name=NAME,
                dataset=self.dataset,
                metrics=metrics,
                protocol=protocol.hash,
                by=BY,
                reason=f"best {protocol.label(protocol.main)} of {len(comparison.rows)}",
            )
            alias = self.settings.serve.alias
            releases.promote(release.ref, alias, by=BY, reason="the demo's winner")
            step.tell(f"{release.ref}: {best.name}, fitted on all {len(self.dataset):,} events;")
            step.tell(f"the alias {alias} names it now, and the service follows the alias")
        self.facts |= {"release": release.ref, "winner": best.name}

    # ------------------------------------------------------------------ the service

    @contextmanager
    def serve(self, port: int) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
        """Start the service; it ends with the block."""
        with ExitStack() as running:
            with self._steps.step("Serve") as step:
                client, process = running.enter_context(
                    serving(self.home, self.home / "palate.toml", port=free_port(port))
                )
                workers = self.settings.serve.workers
                step.tell(f"{client.url}  ({workers} workers, one writer of the log)")
            self.facts["url"] = client.url
            yield client, process

    def converse(self, client: Client) -> str:
        """Ask, tell, ask again; what to type next."""
        from palate.cli.demo.choosing import choices

        films = Films.of(self.dataset)
        event, kind = next(iter(self.settings.events.items()))
        value = 5.0 if kind.value == "multiply" else None
        with self._steps.step("Ask") as step:
            model = self._load_model()
            choice = untouched(client, choices(self.dataset, model, films.genres))
            user = choice.user
            before = ask(client, user)
            self.first_answer = time.monotonic()
            step.tell(f"What should user {user} see next? ({before.milliseconds:.0f} ms)\n")
            step.tell(before_table(before, films))
        with self._steps.step("Learn") as step:
            told_ms = tell(client, choice, event=event, value=value)
            after = ask(client, user)
            worth = "" if value is None else f" of {value:g}"
            step.tell(f"User {user} turns to {choice.genre}: {event}{worth} for")
            step.tell("\n".join(f"  {films.title[film]}" for film in choice.films))
            step.tell(
                f"Acknowledged in {told_ms:.0f} ms; asked again ({after.milliseconds:.0f} ms):\n"
            )
            step.tell(after_table(before, after, films))
        self.facts |= {
            "user_id": user,
            "posted": choice.films,
            "before": [item["item_id"] for item in before.items[:SHOWN]],
            "after": [item["item_id"] for item in after.items[:SHOWN]],
            "reasons": [item.get("reasons") for item in after.items[:SHOWN]],
            "seconds": self._steps.seconds,
        }
        return curl_lines(client.url, choice, event=event, value=value)

    def _load_model(self) -> Recommender[Any]:
        with Workspace(self.settings).releases() as releases:
            return releases.load(self.settings.serve.alias).model
