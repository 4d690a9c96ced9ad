"""Our side of the log benchmarks: the state made anew from a log."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path

from palate.config import Schema
from palate.events.log.sqlite import SqliteEventLog
from palate.features.state import State
from palate.store.lmdb_store import LmdbStore

HISTORY_LIMIT = 500  # as the settings have it by default


def main(inputs: Path, output: Path) -> None:
    shutil.rmtree(inputs / "state", ignore_errors=True)
    with SqliteEventLog(inputs / "log.sqlite", read_only=True) as log:
        state = State(LmdbStore(inputs / "state"), Schema(), HISTORY_LIMIT)
        start = time.perf_counter()
        state.rebuild(log)
        seconds = time.perf_counter() - start
        assert state.offset() == log.head()
        state.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
    output.write_text(json.dumps({"seconds": seconds, "peak_mb": peak / 1024}))


main(Path(sys.argv[1]), Path(sys.argv[2]))
