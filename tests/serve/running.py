"""A running service as tests look at it: its processes, its answers, and load on it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from palate.config import Settings
from palate.serve.background import BackgroundService
from palate.serve.layout import Layout
from palate.serve.processes import read_processes
from palate.testing.process import until

PATIENCE_S = 60.0  # a hung test ends; nothing waits this long when all is well


def children(service: BackgroundService) -> dict[str, list[int]]:
    """Process ids of the service's children by their module."""
    found: dict[str, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            words = path.with_name("cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        alive = fields[0] != "Z" and len(words) > 2
        if alive and int(fields[1]) == service.pid:
            found.setdefault(words[2].decode().rpartition(".")[2], []).append(int(path.parent.name))
    return found


def serving(settings: Settings, what: str) -> list[int]:
    """Process ids of the writer, or of the workers; a spare that waits for its turn is neither."""
    processes = read_processes(Layout(settings.home).counters_folder)
    return [process.pid for process in processes if process.name.startswith(what)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet noticed by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def fresh(service: BackgroundService) -> httpx.Client:
    """A client with a connection of its own, so with whichever worker takes it."""
    return httpx.Client(base_url=service.url, timeout=PATIENCE_S)


def slate(client: httpx.Client, **question: Any) -> list[str]:
    answered = client.post("/v1/recommendations", json=question)
    assert answered.status_code == 200, answered.text
    return [item["item_id"] for item in answered.json()["items"]]


def figures(service: BackgroundService) -> dict[str, float]:
    """Each sample that `/metrics` shows, by its name and labels."""
    lines = httpx.get(service.url + "/metrics", timeout=60).text.splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


class Load:
    """Threads that ask without pause, each with a connection of its own, until left."""

    def __init__(self, service: BackgroundService, ask: Callable[[httpx.Client, int], int]) -> None:
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self._service = service
        self._ask = ask
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]

    def _run(self, first: int) -> None:
        number = first
        client = fresh(self._service)
        while not self._stop.is_set():
            try:
                self.statuses[self._ask(client, number)] += 1
            except httpx.TransportError:
                self.lost += 1
                client.close()
                client = fresh(self._service)
            number += 4
        client.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        until(lambda: sum(self.statuses.values()) > 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def recommend(client: httpx.Client, number: int) -> int:
    return client.post("/v1/recommendations", json={"user_id": f"comic{number % 6}"}).status_code
