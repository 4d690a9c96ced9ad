from __future__ import annotations

import hashlib
import io
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest

from palate.data.sources.fetch import check, download, unzip
from palate.errors import DataError


def get(url: str, target: Path) -> None:
    download(url, target, connect_timeout_s=5)


def test_bytes_arrive_and_are_counted(publisher: Any, tmp_path: Path) -> None:
    content = bytes(200_000)
    publisher.files["/set.zip"] = content
    told: list[tuple[int, int, str]] = []
    target = tmp_path / "x"
    download(
        f"{publisher.url}/set.zip",
        target,
        connect_timeout_s=5,
        progress=lambda *step: told.append(step),
    )
    assert target.read_bytes() == content
    assert told[-1] == (200_000, 200_000, "set.zip")
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})


def test_an_absent_file(publisher: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="answered 404"):
        get(f"{publisher.url}/none.zip", tmp_path / "x")


def test_a_broken_connection(publisher: Any, tmp_path: Path) -> None:
    publisher.files["/set.zip"] = b"half"
    publisher.announced["/set.zip"] = 8
    with pytest.raises(DataError, match=r"broke off after 4 of 8 bytes|cannot be reached"):
        get(f"{publisher.url}/set.zip", tmp_path / "x")


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refused
        port = unused.getsockname()[1]
        with pytest.raises(DataError, match="cannot be reached"):
            get(f"http://127.0.0.1:{port}/x", tmp_path / "x")


def test_no_answer_in_time(tmp_path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()  # takes the connection, never answers
        with pytest.raises(DataError, match=r"no answer within 0\.05 s"):
            download(
                f"http://127.0.0.1:{mute.getsockname()[1]}/x",
                tmp_path / "x",
                connect_timeout_s=0.05,
            )


def test_checksums(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    check(path, hashlib.sha256(b"abc").hexdigest())
    with pytest.raises(DataError, match="altered or incomplete"):
        check(path, hashlib.sha256(b"abd").hexdigest())


def test_a_truncated_zip(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr("a/b.txt", "x" * 100)
    (tmp_path / "ok.zip").write_bytes(whole.getvalue())
    unzip(tmp_path / "ok.zip", tmp_path)
    assert (tmp_path / "a" / "b.txt").read_text() == "x" * 100
    (tmp_path / "cut.zip").write_bytes(whole.getvalue()[:-30])
    with pytest.raises(DataError, match="not a whole zip"):
        unzip(tmp_path / "cut.zip", tmp_path)
