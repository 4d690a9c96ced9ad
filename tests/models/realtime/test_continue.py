"""A model that learns on: it takes to what is new, keeps what is old, and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from palate import columns as c
from palate.config import Attribute, EventType
from palate.data import Dataset
from palate.data.attributes import DTYPES
from palate.errors import BundleError, ConfigError, DataError, NotFittedError, TrainError
from palate.models.realtime import Realtime, RealtimeConfig
from palate.models.realtime.nets import Nets
from palate.testing.moving_market import MOVED, fans_of, moving_market
from palate.testing.realtime import WrittenRealtime
from palate.types import AttributeKind

Load = Callable[[], Realtime]


@pytest.fixture(scope="module")
def whole() -> Dataset:
    return moving_market()


@pytest.fixture(scope="module")
def past(whole: Dataset) -> Dataset:
    """What the release learned from: no car listed later, no later view."""
    early = whole.interactions.filter(pl.col(c.TIMESTAMP) <= MOVED)
    known = whole.items.filter(~pl.col(c.ITEM_ID).is_in(["C10", "C11", "C12", "C13"]))
    return Dataset.from_canonical(early, items=known, users=whole.users, schema=whole.schema)


@pytest.fixture(scope="module")
def released(past: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = RealtimeConfig(
        epochs=8, batch_size=64, learning_rate=0.01, dimension=16, hidden=24, rank_hidden=(16, 8),
        catalogue=16, recent=6, heads=2, min_count=1, bins=4, validation=0.0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("released") / "model"
    Realtime(config).fit(past).save(folder)
    return folder


@pytest.fixture
def load(released: Path) -> Load:
    """The release's model, as often as wanted."""
    return lambda: Realtime.load(released)


def further(model: Realtime, **changes: Any) -> RealtimeConfig:
    eager = {"continue_rate": 1.0, "continue_epochs": 5}
    return model.config.model_copy(update={**eager, **changes})


def share(model: Realtime, whole: Dataset, *, fans: str, make: str) -> float:
    """How much of what fans are shown, by their first days alone, is of this make."""
    first_days = whole.interactions.filter(pl.col(c.TIMESTAMP) <= MOVED)
    model.with_items(whole.with_interactions(first_days))
    shown = model.recommend(fans_of(fans), 4)[c.ITEM_ID]
    return float(shown.str.starts_with(make).mean())  # type: ignore[arg-type]  # of bools


def test_what_is_new_is_learned_and_what_is_old_is_kept(load: Load, whole: Dataset) -> None:
    before, model = load(), load()
    assert share(before, whole, fans="A", make="C") < 0.1
    assert share(before, whole, fans="B", make="B") > 0.9
    model.continue_fit(whole, since=MOVED, config=further(model))
    assert share(model, whole, fans="A", make="C") > 0.3
    assert share(model, whole, fans="B", make="B") > 0.8
    assert share(model, whole, fans="D", make="D") > 0.8


def test_without_replay_it_forgets(load: Load, whole: Dataset) -> None:
    model = load()
    model.continue_fit(whole, since=MOVED, config=further(model, replay=0.0))
    assert share(model, whole, fans="A", make="C") > 0.8
    assert share(model, whole, fans="B", make="B") < 0.5


def test_the_same_seed_learns_the_same_another_seed_something_else(
    load: Load, whole: Dataset
) -> None:
    spaces = []
    for seed in (1, 1, 2):
        model = load()
        model.continue_fit(whole, since=MOVED, config=further(model, seed=seed, continue_epochs=1))
        spaces.append(model.nets.space)
    assert spaces[0] == spaces[1] != spaces[2]
    assert load().nets.space not in spaces


def test_inputs_stay_and_the_catalogue_grows(load: Load, whole: Dataset, past: Dataset) -> None:
    before, model = load(), load()
    model.continue_fit(whole, since=MOVED)
    was, now = before.nets, model.nets
    assert was.layout is not None
    assert now.layout is not None
    assert now.layout.to_bytes() == was.layout.to_bytes()
    assert (now.outcomes, now.dimension, now.recent) == (was.outcomes, was.dimension, was.recent)
    assert (len(before.vocabulary), len(model.vocabulary)) == (40, 44)
    assert model.popularity[model.vocabulary.row("C10")] > 0
    assert was.encoder.ids is not None
    assert now.encoder.ids is not None
    assert was.encoder.ids.rows(["C10"])[0] == 0  # never met: the row of zeros
    assert now.encoder.ids.rows(["C10"])[0] > 0
    assert model.recommend([fans_of("A")[0]], 44)["item_id"].n_unique() == 29  # 15 were seen


def test_it_is_saved_and_loaded_like_any_other(load: Load, whole: Dataset, tmp_path: Path) -> None:
    model = load()
    model.continue_fit(whole, since=MOVED)
    model.save(tmp_path / "next")
    again = Realtime.load(tmp_path / "next")
    assert again.nets.space == model.nets.space
    histories = whole.histories
    assert_array_equal(again.score_histories(histories), model.score_histories(histories))
    again.continue_fit(whole, since=MOVED)  # and learns on from there
    assert again.nets.space != model.nets.space


def test_a_table_in_files_serves_too(load: Load, whole: Dataset, tmp_path: Path) -> None:
    model = load()
    model.folder = tmp_path
    model.continue_fit(whole, since=MOVED)
    assert list((tmp_path / "further").rglob("*.parquet"))


def unchanged(model: Realtime, before: Realtime) -> None:
    assert model.nets.space == before.nets.space
    assert model.vocabulary == before.vocabulary
    assert model.config == before.config


def test_nothing_new_is_refused(load: Load, whole: Dataset) -> None:
    model = load()
    with pytest.raises(DataError, match="nothing new to learn"):
        model.continue_fit(whole, since=datetime(2027, 1, 1, tzinfo=UTC))
    unchanged(model, load())


def test_data_without_times_hold_nothing_new(load: Load, whole: Dataset) -> None:
    unknown = pl.lit(None, pl.Datetime("us", "UTC")).alias(c.TIMESTAMP)
    timeless = whole.with_interactions(whole.interactions.with_columns(unknown))
    with pytest.raises(DataError, match="nothing new to learn"):
        load().continue_fit(timeless, since=MOVED)


def test_a_config_of_other_nets_is_refused(load: Load, whole: Dataset) -> None:
    model = load()
    with pytest.raises(ConfigError, match="dimension = 16 and cannot continue with 32"):
        model.continue_fit(whole, since=MOVED, config=further(model, dimension=32))
    unchanged(model, load())


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (None, "'price' as a number, but it is not declared any more"),
        (Attribute(kind=AttributeKind.CATEGORY), "'price' as a number, but it is a category now"),
        (Attribute(kind=AttributeKind.VECTOR, size=3), "but it is a vector of 3 now"),
    ],
    ids=["gone", "category", "vector"],
)
def test_an_attribute_that_is_another_is_refused(
    load: Load, whole: Dataset, now: Attribute | None, said: str
) -> None:
    kinds = {name: one for name, one in whole.schema.items.items() if name != "price"}
    items = whole.items.drop("price")
    if now is not None:
        kinds["price"] = now
        unknown = pl.Series("price", [None] * items.height, DTYPES[now.kind])
        items = items.with_columns(unknown)
    other = Dataset.from_canonical(
        whole.interactions,
        items=items,
        users=whole.users,
        schema=whole.schema.model_copy(update={"items": kinds}),
    )
    model = load()
    with pytest.raises(DataError, match=said):
        model.continue_fit(other, since=MOVED)
    unchanged(model, load())


def test_an_outcome_that_is_new_is_refused(load: Load, whole: Dataset) -> None:
    late = pl.col(c.TIMESTAMP) > MOVED + timedelta(days=7)
    sold = pl.when(late).then(pl.lit("contact")).otherwise(pl.col(c.EVENT)).alias(c.EVENT)
    more = Dataset.from_canonical(
        whole.interactions.with_columns(sold),
        items=whole.items,
        users=whole.users,
        schema=whole.schema.model_copy(
            update={"events": {**whole.schema.events, "contact": EventType(weight=8.0)}}
        ),
    )
    with pytest.raises(DataError, match="probabilities of view; the data hold contact too"):
        load().continue_fit(more, since=MOVED)


def test_an_outcome_that_happened_no_more_keeps_its_place(load: Load, whole: Dataset) -> None:
    """A log that was trimmed: only what is new is left, and RankNet is as wide as before."""
    model = load()
    late = whole.interactions.filter(pl.col(c.TIMESTAMP) > MOVED)
    model.continue_fit(whole.with_interactions(late), since=MOVED)
    assert model.nets.outcomes == ("view",)


def test_nets_of_another_make_are_refused(past: Dataset, whole: Dataset) -> None:
    model = WrittenRealtime(RealtimeConfig(dimension=16)).fit(past)
    with pytest.raises(BundleError, match="written from other nets"):
        model.continue_fit(whole, since=MOVED)


def test_vectors_that_are_no_numbers_are_refused(
    load: Load, whole: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load()
    embedded = Nets.embed_rows
    monkeypatch.setattr(Nets, "embed_rows", lambda *given: embedded(*given) * np.nan)
    with pytest.raises(DataError, match="no longer finite"):
        model.continue_fit(whole, since=MOVED)
    monkeypatch.undo()
    unchanged(model, load())


def test_a_loss_that_is_no_number_leaves_the_model_as_it_was(load: Load, whole: Dataset) -> None:
    model = load()
    with pytest.raises((TrainError, DataError)):
        model.continue_fit(whole, since=MOVED, config=further(model, learning_rate=1e20))
    unchanged(model, load())


def test_nothing_to_continue_from() -> None:
    with pytest.raises(NotFittedError):
        Realtime().continue_fit(moving_market(), since=MOVED)


@pytest.mark.parametrize(
    "change",
    [{"ids": False}, {"profile": False}, {"recent": 0}, {"context": False}, {"rank": 0.0},
     {"attributes": False}, {"id_buckets": 41}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_part_can_be_left_out(
    past: Dataset, whole: Dataset, quick: RealtimeConfig, change: dict[str, Any]
) -> None:
    config = quick.model_copy(update={"epochs": 1, "hard": 0, **change})
    model = Realtime(config).fit(past)
    before = model.nets.space
    model.continue_fit(whole, since=MOVED)
    assert model.nets.space != before
    assert np.isfinite(model.score_histories(whole.histories)).all()
