"""Is all there, once? Reads a home (stopped, or while it serves) and compares what it keeps.

    python benchmarks/audit.py HOME --acknowledged ids.txt --sink sink.sqlite

Every acknowledged event id is in the log exactly once, and exactly once in what a consumer
group made of the log; offsets never go back; the state that requests read is the one that the
log says, rebuilt from nothing. The exit code is 1 where any of it does not hold.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from palate.config import Settings, load_settings
from palate.events.log.base import batches
from palate.events.log.sqlite import SqliteEventLog
from palate.features.ingest import open_base, open_log, open_state, state_in
from palate.features.state import State
from palate.store.lmdb_store import LmdbStore

__all__ = ["Audit", "audit"]

SHOWN = 5
META = b"m:"  # how the state was made; not what it says


@dataclass
class Audit:
    """What was found.

    Attributes:
        acknowledged: Ids that a client was told are safe.
        logged: Records in the log.
        faults: In words; none where all is well.
    """

    acknowledged: int
    logged: int = 0
    faults: list[str] = field(default_factory=list)

    def ids(self, what: str, ids: Iterable[str]) -> None:
        """Note a fault where there are any ids."""
        found = sorted(ids)
        if found:
            shown = ", ".join(found[:SHOWN]) + ("..." if len(found) > SHOWN else "")
            self.faults.append(f"{len(found)} {what}: {shown}")


def audit(settings: Settings, acknowledged: Iterable[str], sink: Path | None = None) -> Audit:
    """Compare what `settings.home` keeps with what was acknowledged.

    Args:
        settings: As the service has them; the state depends on `[serve] history_limit`.
        acknowledged: Event ids.
        sink: A database whose table `events (offset, event_id)` a consumer group filled.
    """
    told = set(acknowledged)
    found = Audit(len(told))
    with closing(open_log(settings.home, settings, read_only=True)) as log:
        _look_at_log(log, told, found)
        with closing(open_state(settings.home, settings, read_only=True)) as state:
            _look_at_state(log, state, settings, found)
    if sink is not None:
        with closing(sqlite3.connect(f"{sink.absolute().as_uri()}?mode=ro", uri=True)) as table:
            counts = Counter(i for (i,) in table.execute("SELECT event_id FROM events"))
        _look_at_counts("the sink", counts, told, found)
    return found


def _look_at_log(log: SqliteEventLog, told: set[str], found: Audit) -> None:
    counts: Counter[str] = Counter()
    last = 0
    for records in batches(log):
        counts.update(record.event.event_id for record in records)
        for record in records:
            if record.offset <= last:
                found.faults.append(f"offset {record.offset} comes after {last}")
            last = record.offset
    found.logged = counts.total()
    _look_at_counts("the log", counts, told, found)


def _look_at_counts(where: str, counts: Counter[str], told: set[str], found: Audit) -> None:
    found.ids(f"acknowledged but not in {where}", told - counts.keys())
    found.ids(f"more than once in {where}", (i for i, n in counts.items() if n > 1))


def _look_at_state(log: SqliteEventLog, state: State, settings: Settings, found: Audit) -> None:
    with tempfile.TemporaryDirectory(prefix="palate-audit-") as temporary:
        fresh = state_in(LmdbStore(Path(temporary) / "state"), settings)
        with closing(fresh):
            if (settings.home / "base" / "data.mdb").exists():
                with closing(open_base(settings.home, settings)) as base:
                    fresh.rebuild(log, base=base)
            else:
                fresh.rebuild(log)
            if fresh.offset() != state.offset():
                found.faults.append(
                    f"the state reflects {state.offset()}, the log ends at {fresh.offset()}"
                )
            found.ids("values of the state are not what the log says", _differing(fresh, state))


def _differing(one: State, other: State) -> Iterator[str]:
    """Keys whose values differ, or that only one has; both are read in the order of keys."""
    pairs = merge(one.store.scan(b""), other.store.scan(b""))
    for key, of_key in groupby(pairs, key=itemgetter(0)):
        values = [value for _, value in of_key]
        if not key.startswith(META) and (len(values) != 2 or values[0] != values[1]):
            yield repr(key)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--settings", type=Path, help="a palate.toml; its home is not used")
    parser.add_argument("--acknowledged", type=Path, help="event ids, one a line")
    parser.add_argument("--sink", type=Path, help="an SQLite file with events (offset, event_id)")
    given = parser.parse_args()
    settings = load_settings(given.settings, {"home": given.home.absolute()})
    ids = given.acknowledged.read_text().split() if given.acknowledged is not None else []
    found = audit(settings, ids, given.sink)
    print(f"{found.acknowledged:,} acknowledged, {found.logged:,} in the log")
    for fault in found.faults:
        print(f"FAULT: {fault}")
    if found.faults:
        raise SystemExit(1)
    print("all is there, once")


if __name__ == "__main__":
    main()
