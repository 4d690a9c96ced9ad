"""The service under load: its start, its log, and when it is ready."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from palate.config import Settings
from palate.serve.background import BackgroundService

__all__ = ["ready_after", "said_since", "service_of", "watches"]

PATIENCE_S = 1200.0
LOOK_S = 1.0
TOLD = 20  # warnings and errors of the service that are shown, where something fails


@contextmanager
def service_of(settings: Settings, log: Path) -> Iterator[str]:
    """The URL of a running service; where something fails, its last words are shown."""
    try:
        with BackgroundService(settings, log=log) as service:
            yield service.url
    except BaseException:
        lines = log.read_text().splitlines() if log.is_file() else []
        told = [line for line in lines if '"level":"info"' not in line]
        print(*told[-TOLD:], sep="\n", file=sys.stderr)
        raise


@contextmanager
def watches(url: str, n: int) -> Iterator[list[httpx.Client]]:
    """Clients of one connection each, made one after the other, so that workers share them out."""
    with ExitStack() as opened:
        clients = [opened.enter_context(httpx.Client(base_url=url, timeout=60)) for _ in range(n)]
        for client in clients:
            client.get("/v1/surfaces").raise_for_status()
        yield clients


def ready_after(url: str, *, items: int, connections: int) -> float:
    """Seconds until all workers hold so many items of both spaces.

    Raises:
        SystemExit: They never did.
    """
    return _until(lambda: _is_indexed(url, items, connections), "both spaces are indexed")


def said_since(log: Path, begun: int, words: str) -> int:
    """How often the service's log has these words, behind so many bytes of it."""
    with log.open("rb") as file:
        file.seek(begun)
        return file.read().count(words.encode())


def _is_indexed(url: str, items: int, connections: int) -> bool:
    with watches(url, connections) as clients:
        for client in clients:
            told = client.get("/v1/surfaces").json()["surfaces"]
            if any((one["indexed"] or 0) < items for one in told):
                return False
            if len({one["space"] for one in told}) != 2:
                return False
    return True


def _until(is_so: Callable[[], bool], what: str) -> float:
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > PATIENCE_S:
            raise SystemExit(f"after {PATIENCE_S:.0f} s this was still not so: {what}")
        time.sleep(LOOK_S)
    return time.perf_counter() - began
