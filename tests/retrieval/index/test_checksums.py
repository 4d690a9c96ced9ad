"""Files of a snapshot: altered, missing or whole, and who waits while they are compared."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections import UserDict
from collections.abc import ItemsView
from pathlib import Path

import pytest

from palate.errors import BundleError
from palate.retrieval.index.checksums import check, checksum


class Asked(UserDict[str, str]):
    """Checksums that note how nice the thread is that asks for them."""

    niceness: int

    def items(self) -> ItemsView[str, str]:
        self.niceness = own_niceness()
        return super().items()


def own_niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def written(folder: Path) -> Asked:
    whole = {"one.npy": b"1" * 300_000, "two.npy": b"", "three.npy": b"3"}
    for name, content in whole.items():
        (folder / name).write_bytes(content)
    return Asked({name: hashlib.sha256(content).hexdigest() for name, content in whole.items()})


def test_whole_files_pass(tmp_path: Path) -> None:
    checksums = written(tmp_path)
    check(tmp_path, checksums)
    assert checksum(tmp_path / "one.npy") == checksums["one.npy"]


@pytest.mark.parametrize("name", ["one.npy", "two.npy", "three.npy"])
def test_any_altered_file_is_named(tmp_path: Path, name: str) -> None:
    checksums = written(tmp_path)
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(BundleError, match=name):
        check(tmp_path, checksums)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    checksums = written(tmp_path)
    (tmp_path / "three.npy").unlink()
    with pytest.raises(FileNotFoundError):
        check(tmp_path, checksums)


def test_who_compares_gives_way_and_nobody_else_does(tmp_path: Path) -> None:
    before = own_niceness()
    checksums = written(tmp_path)
    check(tmp_path, checksums)
    assert own_niceness() == before
    assert (checksums.niceness > before) == (sys.platform == "linux" and before < 19)
