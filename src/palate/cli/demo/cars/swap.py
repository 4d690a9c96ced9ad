"""A new release under load: several threads ask without a pause while the alias moves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from palate.cli.demo.client import Client
from palate.errors import PalateError

__all__ = ["Swap", "swap_under_load"]

THREADS = 3
BEFORE_S, AFTER_S = 1.0, 1.5  # of load before the alias moves, and after all workers follow
LONGEST_S = 60.0  # until every worker must have followed
IN_A_ROW = 100  # answers of the new release alone: then no worker gives the old one


@dataclass
class Swap:
    """What was answered meanwhile.

    Attributes:
        answers: By release.
        failures: Of requests, in words.
        waits_ms: Of each answer.
        followed_s: From moving the alias to the first answer of the new release.
    """

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    followed_s: float = 0.0


class _Load:
    """Threads that ask for slates until they are ended."""

    def __init__(self, client: Client, names: Sequence[str], surface: str | None) -> None:
        self.found = Swap()
        self.in_a_row = 0
        self.last = ""
        self._client = client
        self._names = names
        self._asked = {"k": 10} if surface is None else {"k": 10, "surface": surface}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(THREADS)
        ]

    def __enter__(self) -> _Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, first: int) -> None:
        turn = first
        while not self._end.is_set():
            turn += THREADS
            body = {**self._asked, "anonymous_id": self._names[turn % len(self._names)]}
            started = time.perf_counter()
            try:
                answer = self._client.post("/v1/recommendations", body)
            except PalateError as error:
                self.found.failures.append(error.message)
                continue
            took = 1000 * (time.perf_counter() - started)
            with self._lock:
                self._count(str(answer["release"]), took)

    def _count(self, release: str, took_ms: float) -> None:
        self.found.answers[release] += 1
        self.found.waits_ms.append(took_ms)
        self.in_a_row = self.in_a_row + 1 if release == self.last else 1
        self.last = release


def swap_under_load(
    client: Client,
    names: Sequence[str],
    promote: Callable[[], str],
    surface: str | None = None,
) -> Swap:
    """Ask, move the alias, ask on until every worker answers with the new release.

    Args:
        client: Of the service.
        names: Visitors to ask for.
        promote: Moves the alias; the `name:version` that it names from then on.
        surface: That is asked.

    Raises:
        PalateError: The service did not follow.
    """
    with _Load(client, names, surface) as load:
        time.sleep(BEFORE_S)
        started = time.monotonic()
        ref = promote()
        while load.found.answers[ref] == 0 or load.last != ref or load.in_a_row < IN_A_ROW:
            if load.found.answers[ref] and not load.found.followed_s:
                load.found.followed_s = time.monotonic() - started
            if time.monotonic() - started > LONGEST_S:
                raise PalateError(
                    f"the service did not follow to {ref} within {LONGEST_S:.0f} s",
                    hint="see serve.log in the demo's home",
                )
            time.sleep(0.02)
        load.found.followed_s = load.found.followed_s or time.monotonic() - started
        time.sleep(AFTER_S)
    return load.found
