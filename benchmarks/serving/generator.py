"""A load generator in one thread: latency from the moment a request was due, not sent.

`python generator.py PLAN OUTPUT` reads a JSON plan and writes figures. Sockets and `select`
alone: its timers are good to some microseconds where an event loop's are to a millisecond.
Open loop: requests are due at Poisson arrivals, and one that finds no free connection waits;
the wait counts. Closed loop: every connection asks again as soon as it is answered.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Connection", "Done", "Pool", "arrivals", "explained", "percentile"]

RECEIVE = 1 << 16
DRAIN_S = 10.0

Done = Callable[["Answer"], None]


class Answer:
    """A response and when it was complete, in seconds of `time.perf_counter`."""

    __slots__ = ("at", "body", "status")

    def __init__(self, status: int, body: bytes, at: float) -> None:
        self.status, self.body, self.at = status, body, at


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.done: Done | None = None
        self._received = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, request: bytes, done: Done) -> None:
        self.done = done
        self.socket.sendall(request)

    def receive(self) -> Answer | None:
        """The answer, once it is complete."""
        data = self.socket.recv(RECEIVE)
        if not data:
            raise ConnectionError("the service closed a connection")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start:].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._received = b""
        return Answer(int(head[9:12]), body, time.perf_counter())


class Pool:
    """Connections, the requests that wait for one, and the loop that drives them."""

    def __init__(self, url: str, n: int) -> None:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or 80
        self.host = f"{host}:{port}"
        self._all = [Connection(host, port) for _ in range(n)]
        self._free = deque(self._all)
        self._waiting: deque[tuple[bytes, Done]] = deque()

    @property
    def busy(self) -> bool:
        return len(self._free) < len(self._all)

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The bytes of a request."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + (body or b"")

    def ask(self, request: bytes, done: Done) -> None:
        """Send at once where a connection is free, else as soon as one is."""
        if self._free:
            self._free.popleft().send(request, done)
        else:
            self._waiting.append((request, done))

    def turn(self, until: float) -> None:
        """Handle what has come in; wait for it until the moment `until` at most."""
        timeout = max(0.0, until - time.perf_counter())
        readable, _, _ = select.select(self._all, (), (), timeout)
        for connection in readable:
            answer = connection.receive()
            if answer is None:
                continue
            done, connection.done = connection.done, None
            if self._waiting:
                connection.send(*self._waiting.popleft())
            else:
                self._free.append(connection)
            if done is not None:
                done(answer)

    def drain(self) -> None:
        """Wait for what is under way."""
        end = time.perf_counter() + DRAIN_S
        while self.busy or self._waiting:
            if time.perf_counter() > end:
                raise TimeoutError("the service does not answer any more")
            self.turn(end)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._all:
            connection.socket.close()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """A service that goes away ends the process with a sentence rather than a traceback."""
    try:
        yield
    except OSError as error:
        raise SystemExit(f"load on {url} ended early: {error}") from error


def arrivals(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Moments of a Poisson process, in seconds from its start."""
    rng = random.Random(seed)
    at = rng.expovariate(rate)
    while at < seconds:
        yield at
        at += rng.expovariate(rate)


def percentile(sorted_values: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    return sorted_values[max(0, -int(-share * len(sorted_values) // 1) - 1)]


class Measured:
    """Latencies and statuses."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.failed = 0

    def done(self, due: float) -> Done:
        def note(answer: Answer) -> None:
            self.latencies_s.append(answer.at - due)
            self.failed += answer.status != 200

        return note

    def figures(self, seconds: float) -> dict[str, float]:
        if not self.latencies_s:
            raise ConnectionError("not one request was answered")
        ordered = sorted(self.latencies_s)
        return {
            "per_second": len(ordered) / seconds,
            "p50_ms": 1e3 * percentile(ordered, 0.5),
            "p99_ms": 1e3 * percentile(ordered, 0.99),
            "max_ms": 1e3 * ordered[-1],
            "failed": self.failed,
        }


def closed_loop(pool: Pool, requests: list[bytes], n: int, seconds: float) -> dict[str, float]:
    measured = Measured()
    start = time.perf_counter()
    end = start + seconds
    number = 0

    def again(answer: Answer | None = None) -> None:
        nonlocal number
        if time.perf_counter() < end:
            note = measured.done(time.perf_counter())
            number += 1

            def done(answer: Answer) -> None:
                note(answer)
                again()

            pool.ask(requests[number % len(requests)], done)

    for _ in range(n):
        again()
    while time.perf_counter() < end:
        pool.turn(end)
    pool.drain()
    return measured.figures(time.perf_counter() - start)


def open_loop(
    pool: Pool, requests: list[bytes], rate: float, seconds: float, seed: int
) -> dict[str, float]:
    measured = Measured()
    start = time.perf_counter()
    for number, moment in enumerate(arrivals(rate, seconds, seed)):
        due = start + moment
        while time.perf_counter() < due:
            pool.turn(due)
        pool.ask(requests[number % len(requests)], measured.done(due))
    pool.drain()
    return measured.figures(time.perf_counter() - start)


def main() -> None:
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    with explained(plan["url"]):
        Path(sys.argv[2]).write_text(json.dumps(_figures(plan)))


def _figures(plan: dict[str, Any]) -> dict[str, float]:
    pool = Pool(plan["url"], plan["connections"])
    requests = [
        pool.request(
            "POST", "/v1/recommendations", json.dumps({"user_id": user, "k": plan["k"]}).encode()
        )
        for user in plan["users"]
    ]
    random.Random(plan["seed"]).shuffle(requests)
    closed_loop(pool, requests, plan["connections"], plan["warm_s"])
    if plan["rate"]:
        return open_loop(pool, requests, plan["rate"], plan["seconds"], plan["seed"])
    return closed_loop(pool, requests, plan["connections"], plan["seconds"])


if __name__ == "__main__":
    main()
