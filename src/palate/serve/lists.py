"""Items that pipelines can name without a person: popular, new, and matching ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, islice
from typing import Final

from palate.pipeline.filter import Filter
from palate.serve.catalogue import Catalogue
from palate.serve.shelf import Loaded

__all__ = ["CatalogueLists"]

_PART: Final = 1_000  # popular items looked at in one go


class CatalogueLists:
    """The lists of one release over one catalogue.

    Args:
        loaded: Says what is popular; None where no release answers.
        catalogue: Says what is new, and what matches; None where there is none.
    """

    def __init__(self, loaded: Loaded | None, catalogue: Catalogue | None) -> None:
        self._loaded = loaded
        self._catalogue = catalogue

    def popular(self, n: int) -> Sequence[str]:
        """Up to `n` live items, what most people touched first; the newest without a release.

        Those that were sold since training are passed over here: a list of them would seem full.
        """
        if self._loaded is None:
            return self.newest(n)
        ids, rows = self._loaded.model.vocabulary.ids, self._loaded.popular
        if self._catalogue is None:
            return [ids[row] for row in rows[:n].tolist()]
        live: list[str] = []
        for at in range(0, len(rows), _PART):
            some = [ids[row] for row in rows[at : at + _PART].tolist()]
            known = self._catalogue.rows(some) >= 0
            live += compress(some, known.tolist())
            if len(live) >= n:
                break
        return live[:n]

    def newest(self, n: int) -> Sequence[str]:
        """Up to `n` live items, the most recently changed first."""
        return [] if self._catalogue is None else list(islice(self._catalogue.newest(), n))

    def matching(self, wanted: Filter, n: int) -> Sequence[str]:
        """Up to `n` live items that pass, the most recently changed first."""
        return [] if self._catalogue is None else self._catalogue.matching(wanted, n)
