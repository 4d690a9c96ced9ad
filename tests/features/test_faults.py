"""Disks that are full or read-only: refused clearly, nothing torn, reads go on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.config import Settings
from palate.events.log.base import batches
from palate.features.ingest import open_ingest, open_log
from palate.testing.event_log import click
from palate.testing.process import OtherProcess

_NOBODY = 65534


def test_on_a_full_disk_writes_are_refused_and_reads_go_on(tmp_path: Path) -> None:
    """Files may not grow beyond 1 MB in the other process: the kernel says so, as a disk would."""
    source = f"""
import resource, signal
from pathlib import Path
from palate.config import Settings
from palate.errors import StoreError
from palate.features.ingest import open_ingest
from palate.testing.event_log import click
ingest = open_ingest(Path({str(tmp_path)!r}), Settings())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
acknowledged = 0
while True:
    try:
        ingest.append([click(acknowledged + n, f"user-{{acknowledged}}") for n in range(50)])
    except StoreError as error:
        reason = error.message
        break
    acknowledged += 50
print(acknowledged, reason, flush=True)
print(ingest.log.head() >= acknowledged, len(ingest.log.read(limit=50)), flush=True)
print(ingest.state.user("user-0") is not None, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
done = ingest.append([click(acknowledged + n, f"user-{{acknowledged}}") for n in range(50)])
print(len(done), ingest.state.offset() == ingest.log.head(), flush=True)
input()
"""
    with OtherProcess(source) as writer:
        acknowledged, reason = writer.line().split(maxsplit=1)
        assert int(acknowledged) > 0
        assert reason
        assert writer.line() == "True 50"  # what is there can be read
        assert writer.line() == "True"
        assert writer.line() == "50 True"  # there is room again
    with open_ingest(tmp_path, Settings()) as ingest:
        ids = [r.event.event_id for part in batches(ingest.log) for r in part]
        assert ids == [f"event-{n}" for n in range(int(acknowledged) + 50)]
        assert ingest.state.offset() == ingest.log.head()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may look into, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="palate-test-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("running", [True, False])
def test_in_a_read_only_folder_writers_are_refused_and_readers_are_not(
    open_folder: Path, running: bool
) -> None:
    settings = Settings()
    ingest = open_ingest(open_folder, settings)
    ingest.append([click(n) for n in range(20)])
    if not running:
        ingest.close()
    (open_folder / "events").chmod(0o555)
    source = f"""
import os
from pathlib import Path
from palate.config import Settings
from palate.errors import LogError
from palate.features.ingest import open_ingest, open_log
settings, home = Settings(), Path({str(open_folder)!r})
if os.getuid() == 0:
    os.setuid({_NOBODY})  # whoever may do anything is never refused
try:
    open_ingest(home, settings)
except LogError as error:
    print(error.message, flush=True)
with open_log(home, settings, read_only=True) as log:
    print(len(log.read()), log.head(), log.committed("sink"), flush=True)
input()
"""
    with OtherProcess(source) as other:
        assert "ermission denied" in other.line() or running
        assert other.line() == "20 20 0"
    if running:
        ingest.append([click(20)])  # the owner has its files open
        ingest.close()


def test_a_reader_of_a_frozen_log_follows_once_it_is_thawed(open_folder: Path) -> None:
    with open_ingest(open_folder, Settings()) as ingest:
        ingest.append([click(1)])
    if os.getuid() != 0:
        (open_folder / "events").chmod(0o555)
    with open_log(open_folder, Settings(), read_only=True) as log:
        assert log.head() == 1
