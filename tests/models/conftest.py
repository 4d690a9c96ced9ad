"""What tests of models share: MovieLens 100K in its two parts, and torch on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from palate.data import Dataset


@pytest.fixture(scope="module")
def parts(palate_data: Path) -> tuple[Dataset, Dataset]:
    """Train and test of the stratified 75/25 split."""
    folder = palate_data / "ml-100k"
    split = pl.read_parquet(folder / "split_stratified75.parquet")
    rated = split.join(
        pl.read_parquet(folder / "interactions.parquet"), on=["user_id", "item_id"], how="left"
    )
    whole = Dataset.from_frames(rated, columns={"value": "rating"}, name="ml-100k")
    is_test = rated["is_test"]
    train, test = (whole.interactions.filter(part) for part in (~is_test, is_test))
    return whole.with_interactions(train), whole.with_interactions(test)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads of torch cost more than they bring to nets as small as those of the tests."""
    import torch  # late: most tests of models need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
