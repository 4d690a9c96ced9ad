"""The features of the KuaiRand benchmark: no later exposure changes what a row is told."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000


@pytest.fixture
def kuairand(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("kuairand")
    sys.modules.pop("kuairand", None)


def log(module: ModuleType, n: int = 400) -> pl.DataFrame:
    """Invented exposures around the cut, several of one user in one moment among them."""
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, 6, n),
            "video_id": rng.integers(0, 9, n),
            "author_id": rng.integers(0, 4, n),
            "tag": rng.choice(["1", "2"], n),
            "upload_type": rng.choice(["Web", "Kmovie"], n),
            "tab": rng.integers(0, 3, n),
            "time_ms": module.CUT_MS + np.sort(rng.integers(-80, 80, n)) * HOUR_MS,
            "upload_dt": "2022-04-10",
            "is_click": rng.integers(0, 2, n),
            "long_view": rng.integers(0, 2, n),
        }
    )


def told(frame: pl.DataFrame) -> pl.DataFrame:
    """The features alone: not the outcomes of the rows themselves."""
    return frame.drop("is_click", "long_view")


@pytest.mark.parametrize("frozen", [False, True])
def test_no_later_exposure_changes_a_feature(kuairand: ModuleType, frozen: bool) -> None:
    table = log(kuairand)
    at = kuairand.CUT_MS if frozen else None
    whole = told(kuairand.with_features(table, users_frozen_at=at))
    for moment in table["time_ms"].unique().sort()[::9]:
        later = pl.col("time_ms") >= moment
        known = (table["time_ms"] <= moment).sum()
        outcomes = [pl.when(later).then(1 - pl.col(c)).otherwise(c).alias(c)
                    for c in ("is_click", "long_view")]  # fmt: skip
        for other in (table.filter(pl.col("time_ms") <= moment), table.with_columns(outcomes)):
            found = told(kuairand.with_features(other, users_frozen_at=at)).head(known)
            assert found.equals(whole.head(known))


def test_what_a_user_does_after_the_cut_is_not_told_where_frozen(kuairand: ModuleType) -> None:
    table = log(kuairand)
    late = pl.col("time_ms") >= kuairand.CUT_MS
    flipped = table.with_columns(
        is_click=pl.when(late).then(1 - pl.col("is_click")).otherwise("is_click")
    )
    personal = [f"user_{what}" for what in ("shown", "is_click", "long_view")]
    personal += ["user_tab_is_click", "since_click", "since_shown", "last_click"]
    one, other = (
        kuairand.with_features(t, users_frozen_at=kuairand.CUT_MS).select(personal)
        for t in (table, flipped)
    )
    assert one.equals(other)
    assert not kuairand.with_features(table).select(personal).equals(one)


def test_features_by_hand(kuairand: ModuleType) -> None:
    day = kuairand.CUT_MS
    table = (
        log(kuairand)
        .head(3)
        .with_columns(
            user_id=pl.Series([1, 1, 1]),
            time_ms=pl.Series([day - 9000, day - 4000, day + 1000]),
            is_click=pl.Series([1, 0, 1]),
        )
    )
    found = kuairand.with_features(table)
    assert found["hour"].to_list() == [23, 23, 0]  # where the users are
    assert found["user_shown"].to_list() == [0, 1, 2]
    prior, strength = kuairand.PRIORS["is_click"], kuairand.STRENGTH
    expected = [(c + prior * strength) / (n + strength) for c, n in ((0, 0), (1, 1), (1, 2))]
    np.testing.assert_allclose(found["user_is_click"], expected)
    assert found["since_shown"].to_list() == [None, 5.0, 5.0]
    assert found["since_click"].to_list() == [None, 5.0, 10.0]
    assert found["last_click"].to_list() == [None, 1, 0]


@pytest.mark.data
def test_lists_before_the_log_end_before_it(kuairand: ModuleType, palate_data: Path) -> None:
    folder = palate_data / "kuairand"
    log_start = pl.read_parquet(folder / "interactions.parquet")["time_ms"].min()
    everything = pl.read_parquet(folder / "history_before.parquet")
    found = kuairand.earlier_lists(folder)
    assert (found["last_time_ms"] < log_start).all()
    assert 0.95 * everything.height < found.height < everything.height
