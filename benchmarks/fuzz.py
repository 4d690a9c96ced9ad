"""Thousands of spoilt requests against the real service: none may end in a 5xx, or in its death.

    python benchmarks/fuzz.py --requests 10000 --seed 1

The same seed makes the same requests. Afterwards the service must run as it was started, with no
traceback in its log, and its log and state must agree.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from audit import audit
from fuzzing.requests import Request, spoilt
from harness import Bench
from palate.serve.background import BackgroundService
from palate.serve.layout import Layout
from palate.serve.processes import read_processes
from soaking.world import build_home

WORKERS = 2
_CONTINUE = re.compile(rb"^HTTP/1.1 100 [^\r]*\r\n\r\n")
_LENGTH = re.compile(rb"content-length: *([0-9]+)")
PATIENCE_S = 0.25  # for an answer to what may be half a request
SHOWN = 10


class Client:
    """One connection, made anew when the service has closed it."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._host = f"{self._address[0]}:{self._address[1]}"
        self._socket: socket.socket | None = None

    def status(self, request: Request) -> int:
        """Of the answer; 0 where there is none: the connection was closed, or is left waiting."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=10)
        with suppress(OSError):  # refused before it was sent whole: the answer may be there
            self._socket.sendall(request.on_the_wire(self._host))
        status = self._answer(head=request.method == "HEAD", whole=request.wire is None)
        if status is None or request.wire is not None:
            self.close()
        return status or 0

    def _answer(self, *, head: bool, whole: bool) -> int | None:
        assert self._socket is not None
        self._socket.settimeout(10 if whole else PATIENCE_S)
        data = b""
        with suppress(OSError):
            while more := self._socket.recv(1 << 16):
                data = _CONTINUE.sub(b"", data + more)
                answer, separator, body = data.partition(b"\r\n\r\n")
                if not separator:
                    continue
                lower = answer.lower()
                told = _LENGTH.search(lower)
                length = 0 if head or told is None else int(told[1])
                if len(body) >= length:
                    if b"connection: close" in lower:
                        self.close()
                    return int(answer[9:12])
        return None

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], add_help=False)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options, others = parser.parse_known_args()
    bench = Bench("fuzz", f"{options.requests:,} spoilt requests", runs=1, arguments=others)
    with tempfile.TemporaryDirectory(prefix="palate-fuzz-") as temporary:
        faults = fuzz(bench, Path(temporary), options.requests, options.seed)
    bench.finish()
    for fault in faults[:SHOWN]:
        print(f"FAULT: {fault}")
    raise SystemExit(1 if faults else 0)


def fuzz(bench: Bench, folder: Path, n: int, seed: int) -> list[str]:
    """Send them, add figures to `bench`, and return what must not be."""
    rng = random.Random(seed)
    settings = build_home(folder / "home", workers=WORKERS, durability="process")
    log = folder / "service.log"
    statuses: Counter[int] = Counter()
    faults: list[str] = []
    with BackgroundService(settings, log=log) as service:
        client = Client(service.url)
        for number in range(n):
            request = spoilt(rng)
            status = client.status(request)
            statuses[status] += 1
            if status >= 500:
                faults.append(f"{status} for number {number}: {request!r:.500}")
            elif status == 0 and request.wire is None:
                faults.append(f"no answer to number {number}: {request!r:.500}")
        client.close()
        died = [p for p in read_processes(Layout(settings.home).counters_folder) if p.starts > 1]
        faults += [f"{process.name} was started {process.starts} times" for process in died]
    said = log.read_text()
    if "Traceback" in said:
        faults.append("a traceback in the log: " + said[said.index("Traceback") :][:2000])
    faults += audit(settings, ()).faults
    print(dict(sorted(statuses.items())), file=sys.stderr)
    bench.add("fuzz/requests", n, higher_is_better=True)
    bench.add(
        "fuzz/answers with a 5xx",
        sum(count for status, count in statuses.items() if status >= 500),
        higher_is_better=False,
        target=0,
    )
    bench.add("fuzz/refused with a 4xx", sum(c for s, c in statuses.items() if 400 <= s < 500),
              higher_is_better=True)  # fmt: skip
    bench.add("fuzz/all faults", len(faults), higher_is_better=False, target=0)
    return faults


if __name__ == "__main__":
    main()
