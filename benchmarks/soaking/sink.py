"""A consumer that may be killed at any moment: what it makes of the log has every event once.

`python sink.py HOME OUTPUT` reads as the consumer group `soak-sink` and keeps each event id with
its offset. Its table and its place in the log are one transaction, so that it begins where its
table ends, whatever the group has committed.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

from palate.config import load_settings
from palate.features.ingest import open_log

GROUP = "soak-sink"
PAUSE_S = 0.05


def main() -> None:
    home, output = Path(sys.argv[1]), Path(sys.argv[2])
    table = sqlite3.connect(output, isolation_level=None)
    table.execute("PRAGMA journal_mode = WAL")
    table.execute('CREATE TABLE IF NOT EXISTS events ("offset" INTEGER PRIMARY KEY, event_id TEXT)')
    (at,) = table.execute('SELECT coalesce(max("offset"), 0) FROM events').fetchone()
    log = open_log(home, load_settings(None, {"home": home}), read_only=True)
    while True:
        records = log.read(at)
        if not records:
            time.sleep(PAUSE_S)
            continue
        table.execute("BEGIN")
        table.executemany(
            "INSERT INTO events VALUES (?, ?)",
            [(record.offset, record.event.event_id) for record in records],
        )
        table.execute("COMMIT")
        at = records[-1].offset
        log.commit(GROUP, at)


if __name__ == "__main__":
    main()
