"""Kills processes of the service at random, and takes the time until it serves again."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from palate.serve.layout import Layout
from palate.serve.processes import read_processes
from soaking.client import ask
from soaking.world import ITEMS, USERS

__all__ = ["Kill", "Killer"]

RECOVERY_S = 2.0  # what is asked of it
MOMENT_S = 0.5  # in which clients find out that their connection died with its worker
GIVE_UP_S = 30.0
LOOK_S = 0.01
SHARES = {"writer": 0.45, "worker": 0.4, "sink": 0.15}


@dataclass(frozen=True)
class Kill:
    """One of them.

    Attributes:
        what: `writer`, `worker` or `sink`.
        at: When, monotonic seconds.
        recovery_s: Until an event was acknowledged and a slate answered again; infinite if never.
    """

    what: str
    at: float
    recovery_s: float


class Killer(threading.Thread):
    """Kills, waits until the service is well, rests a random while, and kills again.

    Args:
        url: The service's.
        home: On which it runs; its processes are found there.
        sink: The command of the consumer, which is started, killed and started again.
        mean_s: Of the rest between two kills.
    """

    def __init__(self, url: str, home: Path, sink: list[str], *, mean_s: float) -> None:
        super().__init__(daemon=True)
        self.kills: list[Kill] = []
        self.ending = threading.Event()
        self._began: list[float] = []
        self._url = urlsplit(url)
        self._counters = Layout(home).counters_folder
        self._sink_command = sink
        self._sink = subprocess.Popen(sink)
        self._mean_s = mean_s
        self._random = random.Random(7)

    def calm(self, at: float) -> bool:
        """Whether the service was well again a moment before `at`, and nothing was killed since."""
        recovered = self.kills[-1].at + self.kills[-1].recovery_s if self.kills else 0.0
        return len(self._began) == len(self.kills) and at > recovered + MOMENT_S

    def run(self) -> None:
        while not self.ending.wait(self._rest_s()):
            (what,) = self._random.choices(list(SHARES), list(SHARES.values()))
            at = time.monotonic()
            self._began.append(at)
            if what == "sink":
                self._sink.kill()
                self._sink.wait()
                self._sink = subprocess.Popen(self._sink_command)
            else:
                victims = [p.pid for p in read_processes(self._counters) if p.name.startswith(what)]
                if victims:
                    with suppress(ProcessLookupError):  # it is on its way already
                        os.kill(self._random.choice(victims), signal.SIGKILL)
            recovery_s = self._recovered(at)
            self.kills.append(Kill(what, at, recovery_s))
            print(f"  killed {what}: well again after {recovery_s:.2f} s", file=sys.stderr)

    def _rest_s(self) -> float:
        return min(3 * self._mean_s, self._random.expovariate(1 / self._mean_s))

    def stop_sink(self, upto: int, output: Path) -> None:
        """End the consumer once it has come to the offset `upto`."""
        import sqlite3

        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            with sqlite3.connect(output) as table:
                (at,) = table.execute('SELECT coalesce(max("offset"), 0) FROM events').fetchone()
            if at >= upto:
                break
            time.sleep(LOOK_S)
        self._sink.terminate()
        self._sink.wait()

    def _recovered(self, at: float) -> float:
        """Seconds until an event was acknowledged, and after it a slate answered."""
        while time.monotonic() < at + GIVE_UP_S:
            if self._well():
                return time.monotonic() - at
            time.sleep(LOOK_S)
        return float("inf")

    def _well(self) -> bool:
        """Through a connection of its own, so through whichever worker takes it."""
        host, port = self._url.hostname or "", self._url.port
        connection = http.client.HTTPConnection(host, port, timeout=RECOVERY_S)
        event = {
            "event": "click",
            "event_id": str(uuid.uuid4()),
            "user_id": USERS[0],
            "item_id": ITEMS[0],
        }
        try:
            status, answer = ask(connection, "POST", "/v1/events", [event])
            if status != 200 or answer["results"][0]["verdict"] != "accepted":
                return False
            status, _ = ask(connection, "POST", "/v1/recommendations", {"user_id": USERS[0]})
            return status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
