"""Load on the service while its processes are killed at random; then all is counted.

500 events and 200 requests a second come from clients that keep their connections. `kill -9`
hits the writer, the workers and a consumer of the log. What must hold: every acknowledged event
is in the log, in the state, and in what the consumer made of the log, exactly once; no read fails
but those whose connection died with its worker; the service is well again within 2 s.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from audit import Audit, audit
from harness import Bench
from palate.config import Settings
from palate.events.log.sqlite import SqliteEventLog
from palate.features.ingest import open_log
from palate.serve.background import BackgroundService
from soaking.client import Paced, Poster, Reader
from soaking.killer import RECOVERY_S, Killer
from soaking.world import build_home

WORKERS = 2
POSTERS = 5  # clients; each with 10 events a tick of 0.1 s
READERS = 5  # clients; each with 4 requests a tick
EVENTS_A_SECOND = 500
READS_A_SECOND = 200
SHOWN = 20
LAST_S = 20.0  # for the last events to be acknowledged


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], add_help=False)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--mean", type=float, default=3.0, help="seconds between kills")
    parser.add_argument("--durability", default="process", choices=("process", "power"))
    parser.add_argument("--keep", type=Path, help="leave home and logs in this new folder")
    options, others = parser.parse_known_args()
    bench = Bench("soak", f"{options.seconds:.0f} s under kill -9", runs=1, arguments=others)
    if options.keep is not None:
        options.keep.mkdir(parents=True)
        faults = soak(bench, options.keep.absolute(), options)
    else:
        with tempfile.TemporaryDirectory(prefix="palate-soak-") as temporary:
            faults = soak(bench, Path(temporary), options)
    bench.finish()
    for fault in faults[:SHOWN]:
        print(f"FAULT: {fault}")
    print(
        f"the soak failed: {len(faults)} faults"
        if faults
        else "the soak passed: all is there, once"
    )
    raise SystemExit(1 if faults else 0)


def soak(bench: Bench, folder: Path, options: argparse.Namespace) -> list[str]:
    """Run it, add its figures to `bench`, and return what must not be."""
    settings = build_home(folder / "home", workers=WORKERS, durability=options.durability)
    sink, log = folder / "sink.sqlite", folder / "service.log"
    command = [sys.executable, str(Path(__file__).parent / "soaking" / "sink.py")]
    with BackgroundService(settings, log=log) as service:
        killer = Killer(
            service.url,
            settings.home,
            [*command, str(settings.home), str(sink)],
            mean_s=options.mean,
        )
        posters = [
            Poster(service.url, killer.calm, n, EVENTS_A_SECOND // POSTERS // 10)
            for n in range(POSTERS)
        ]
        readers = [
            Reader(service.url, killer.calm, 100 + n, READS_A_SECOND // READERS // 10)
            for n in range(READERS)
        ]
        began = time.monotonic()
        for client in (*posters, *readers, killer):
            client.start()
        time.sleep(options.seconds)
        seconds = time.monotonic() - began
        _end(killer, posters, readers)
        killer.stop_sink(_head(settings), sink)
    (folder / "acknowledged.txt").write_text(
        "\n".join(i for poster in posters for i in poster.acknowledged)
    )
    found = audit(settings, (i for poster in posters for i in poster.acknowledged), sink)
    _record(bench, found, killer, posters, readers, seconds)
    _record_replacements(bench, log.read_text())
    faults = [*found.faults, *(f for client in (*posters, *readers) for f in client.failed)]
    faults += [
        f"killed {k.what}: well again only after {k.recovery_s:.2f} s"
        for k in killer.kills
        if k.recovery_s > RECOVERY_S
    ]
    pending = sum(poster.pending for poster in posters)
    return [*faults, *([f"{pending} events were never acknowledged"] if pending else [])]


def _end(killer: Killer, posters: Sequence[Poster], readers: Sequence[Reader]) -> None:
    killer.ending.set()
    killer.join()
    for poster in posters:
        poster.draining = True
    deadline = time.monotonic() + LAST_S
    while any(poster.pending for poster in posters) and time.monotonic() < deadline:
        time.sleep(0.05)
    for client in (*posters, *readers):
        client.ending.set()
    for client in (*posters, *readers):
        client.join()


def _head(settings: Settings) -> int:
    log: SqliteEventLog = open_log(settings.home, settings, read_only=True)
    try:
        return log.head()
    finally:
        log.close()


def _record(
    bench: Bench,
    found: Audit,
    killer: Killer,
    posters: Sequence[Poster],
    readers: Sequence[Paced],
    seconds: float,
) -> None:
    clients = (*posters, *readers)
    answered = sum(reader.statuses.total() for reader in readers)
    lost = sum(client.lost for client in clients)
    failed = [fault for client in clients for fault in client.failed]
    recoveries = [kill.recovery_s for kill in killer.kills] or [0.0]
    bench.add("soak/events acknowledged", found.acknowledged / seconds, unit="1/s",
              higher_is_better=True)  # fmt: skip
    bench.add("soak/reads answered", answered / seconds, unit="1/s", higher_is_better=True)
    bench.add("soak/kills", len(killer.kills), higher_is_better=True)
    bench.add("soak/faults found by the audit", len(found.faults), higher_is_better=False,
              target=0)  # fmt: skip
    bench.add("soak/requests failed after recovery", len(failed), higher_is_better=False, target=0)
    bench.add("soak/connections lost with a killed worker", lost, higher_is_better=False)
    bench.add("soak/longest recovery", max(recoveries), unit="s", higher_is_better=False,
              target=RECOVERY_S)  # fmt: skip
    bench.add("soak/slowest read in calm moments", max(r.slowest_s for r in readers), unit="s",
              higher_is_better=False)  # fmt: skip


def _record_replacements(bench: Bench, log: str) -> None:
    """How long the supervisor says that each process was away."""
    for what in ("writer", "worker"):
        back = [float(s) for s in re.findall(rf"the {what}[ 0-9]* is back after ([0-9.]+) s", log)]
        if back:
            bench.add(f"soak/longest absence of a {what}", max(back), unit="s",
                      higher_is_better=False)  # fmt: skip


if __name__ == "__main__":
    main()
