"""Public data sets by name: one set a file, each with its terms, citation and checksums."""

from __future__ import annotations

from typing import Final

from palate.data.sources.base import Size, Source
from palate.data.sources.ml_1m import SOURCE as ML_1M
from palate.data.sources.ml_100k import SOURCE as ML_100K
from palate.data.sources.ml_latest_small import SOURCE as ML_LATEST_SMALL
from palate.errors import DataError

__all__ = ["Size", "Source", "names", "source"]

SOURCES: Final = {s.name: s for s in (ML_100K, ML_1M, ML_LATEST_SMALL)}


def names() -> list[str]:
    """Names that `source` knows."""
    return sorted(SOURCES)


def source(name: str) -> Source:
    """The public set of that name.

    Raises:
        DataError: There is none.
    """
    if name not in SOURCES:
        raise DataError(f"no public data set is called {name!r}", hint=f"one of {names()}")
    return SOURCES[name]
