"""A public data set: what it is, on what terms, and how it is fetched, checked and cached."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palate.data.dataset import Dataset
from palate.data.sources.origins import Origin
from palate.errors import DataError
from palate.types import Progress

__all__ = ["Size", "Source"]


@dataclass(frozen=True, slots=True)
class Size:
    """What a complete copy holds."""

    n_events: int
    n_users: int
    n_items: int


@dataclass(frozen=True, slots=True)
class Source:
    """One public set.

    Attributes:
        name: As on the command line.
        title: In full.
        homepage: The publisher's page about it.
        terms: What its publisher asks for, in a few sentences; shown before any use.
        citation: The paper to cite.
        origins: Places to get it from, tried in this order.
        read: From a folder of files, in any layout that an origin brings, to a dataset.
        size: Checked after reading; None checks nothing.
    """

    name: str
    title: str
    homepage: str
    terms: str
    citation: str
    origins: tuple[Origin, ...]
    read: Callable[[Path], Dataset]
    size: Size | None = None

    def cached(self, cache: Path) -> bool:
        """Whether `load` would answer from `cache`, without a network or a question."""
        return (cache / self.name / "dataset.json").is_file()

    def load(
        self,
        cache: Path,
        *,
        accept_licence: bool,
        local: Path | None = None,
        progress: Progress | None = None,
    ) -> Dataset:
        """The dataset, from the cache, or from the first origin that has it.

        A copy that fails its checksum or size is never used: the next origin is asked.

        Args:
            cache: Folder for copies; terms of a copy in it were accepted before.
            accept_licence: Whether the user accepts `terms`.
            local: Folder of local copies, `settings.data`.
            progress: Told bytes of a download.

        Raises:
            DataError: The terms are not accepted, or no origin has the set; says why of each.
        """
        if self.cached(cache):
            return Dataset.load(cache / self.name)
        if not accept_licence:
            raise DataError(
                f"{self.title} comes with terms: {self.terms} See {self.homepage}",
                hint="accept them with --accept-licence",
            )
        reasons = []
        for origin in self.origins:
            try:
                dataset = self._fetch(origin, local, progress)
            except DataError as error:
                reasons.append(f"{origin.label}: {error.message}")
                continue
            self._keep(dataset, cache)
            return dataset
        raise DataError(
            f"{self.title} cannot be had. " + "; ".join(reasons),
            hint=f"fetch it by hand from {self.homepage}, unpack it, and set PALATE_DATA to "
            f"the folder that holds {self.name}/",
        )

    def _fetch(self, origin: Origin, local: Path | None, progress: Progress | None) -> Dataset:
        with tempfile.TemporaryDirectory(prefix="palate-") as work:
            dataset = self.read(origin.fetch(Path(work), local, progress))
        found = Size(len(dataset), dataset.n_users, dataset.n_items)
        if self.size is not None and found != self.size:
            raise DataError(f"holds {found}, a complete copy {self.size}")
        return dataset

    def _keep(self, dataset: Dataset, cache: Path) -> None:
        """Write beside, then rename: a cache entry is whole or absent."""
        cache.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{self.name}-", dir=cache))
        dataset.save(beside)
        try:
            beside.rename(cache / self.name)
        except OSError:  # another process was first, or an incomplete entry is in the way
            if not self.cached(cache):
                shutil.rmtree(cache / self.name)
                beside.rename(cache / self.name)
                return
            shutil.rmtree(beside)
