"""Bytes from a publisher: a short wait for the connection, a checksum, and an unpacked folder."""

from __future__ import annotations

import hashlib
import queue
import threading
import urllib.request
import zipfile
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

from palate.errors import DataError
from palate.types import Progress

__all__ = ["check", "download", "unzip"]

BLOCK_BYTES: Final = 1 << 16
READ_TIMEOUT_S: Final = 30.0


def download(
    url: str, target: Path, *, connect_timeout_s: float, progress: Progress | None = None
) -> None:
    """Write what `url` answers to the file `target`.

    Args:
        url: http or https.
        target: Is overwritten.
        connect_timeout_s: Longest wait for name, connection and first byte together.
        progress: Told bytes.

    Raises:
        DataError: No answer in time, a refusal, or fewer bytes than were announced.
    """
    what = url.rpartition("/")[2]
    try:
        with _open(url, connect_timeout_s) as response, target.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            while block := response.read(BLOCK_BYTES):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, max(total, done), what)
    except HTTPError as error:
        error.close()
        raise DataError(f"answered {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"cannot be reached: {error}") from error
    if done < total:
        raise DataError(f"broke off after {done} of {total} bytes")


def check(path: Path, sha256: str) -> None:
    """Compare a file's SHA-256, in hex.

    Raises:
        DataError: It differs.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise DataError(
            f"{path.name} has SHA-256 {found[:12]}…, not {sha256[:12]}…: altered or incomplete"
        )


def unzip(archive: Path, folder: Path) -> None:
    """Unpack into `folder`.

    Raises:
        DataError: It is no whole zip.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{archive.name} is not a whole zip: {error}") from error


def _open(url: str, connect_timeout_s: float) -> HTTPResponse:
    """`urlopen` that also bounds the look-up of the name, which no socket time-out does."""
    answers: queue.SimpleQueue[HTTPResponse | Exception] = queue.SimpleQueue()
    given_up = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=READ_TIMEOUT_S)
            if given_up.is_set():
                response.close()
            answers.put(response)
        except (OSError, HTTPException, ValueError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="palate-connect").start()
    try:
        answer = answers.get(timeout=connect_timeout_s)
    except queue.Empty:
        given_up.set()
        raise DataError(f"gave no answer within {connect_timeout_s:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
