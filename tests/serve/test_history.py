"""A user's past becomes rows and weights, and equals what training would have made of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import EventType, Schema
from palate.data.dataset import Dataset
from palate.data.vocabulary import Vocabulary
from palate.models.popular import Popular
from palate.serve.history import Past, fold, merge
from palate.serve.shelf import Loaded

SCHEMA = Schema(
    events={
        "click": EventType(weight=2.0),
        "rating": EventType(weight=0.5, value="multiply"),
        "hide": EventType(weight=-1.0),
        "seen": EventType(weight=0.0),
    }
)
TRAINING = pl.DataFrame(
    {"user_id": ["u", "u", "u"], "item_id": ["a", "b", "c"], "event": ["click"] * 3}
)
DATASET = Dataset.from_frames(TRAINING, schema=SCHEMA)
LOADED = Loaded(
    "x:1",
    Popular().fit(DATASET),
    np.arange(3, dtype=np.int32),
    {name: (kind.weight, kind.value == "multiply") for name, kind in SCHEMA.events.items()},
)


def test_weights_are_the_schemas() -> None:
    past = Past(
        ["a", "new", "b", "c", "c", "a"],
        ["click", "click", "rating", "hide", "unheard", "rating"],
        [9.0, None, 3.0, None, 4.0, None],
        [1, 2, 3, 4, 5, 6],
    )
    history = fold(past, LOADED)
    assert history.items.tolist() == [0, 1, 2, 2, 0]
    assert history.values.tolist() == [2.0, 1.5, -1.0, 1.0, 0.5]
    assert history.timestamps.tolist() == [1, 3, 4, 5, 6]
    assert history.indptr.tolist() == [0, 5]
    assert history.n_items == 3
    assert history.items.dtype == np.int32
    assert history.values.dtype == np.float32


@pytest.mark.parametrize("past", [Past(), Past(["new"], ["click"], [None], [1])])
def test_nothing_usable_is_an_empty_history(past: Past) -> None:
    history = fold(past, LOADED)
    assert len(history) == 0
    assert history.n_users == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcx"),
            st.sampled_from(["click", "rating", "hide", "seen", "unheard"]),
            st.none() | st.floats(-100, 100, width=32),
        ),
        max_size=20,
    )
)
def test_serving_folds_as_training_does(done: list[tuple[str, str, float | None]]) -> None:
    times = list(range(len(done)))
    past = Past([d[0] for d in done], [d[1] for d in done], [d[2] for d in done], times)
    frame = pl.DataFrame(
        {
            "user_id": ["u"] * len(done),
            "item_id": past.item_ids,
            "event": past.events,
            "value": past.values,
            "timestamp": times,
        },
        schema={
            "user_id": pl.String,
            "item_id": pl.String,
            "event": pl.String,
            "value": pl.Float64,
            "timestamp": pl.Datetime("us", "UTC"),
        },
    )
    trained = DATASET.histories_of(frame, Vocabulary(["u"]))
    served = fold(past, LOADED)
    assert served.items.tolist() == trained.items.tolist()
    np.testing.assert_allclose(served.values, trained.values, rtol=1e-6)
    assert served.timestamps.tolist() == trained.timestamps.tolist()


def test_two_pasts_are_merged_by_time() -> None:
    visitor = Past(["v1", "v2"], ["click"] * 2, [None, 1.0], [10, 30])
    user = Past(["u1", "u2"], ["rating"] * 2, [2.0, None], [20, 30])
    merged = merge(visitor, user)
    assert list(merged.item_ids) == ["v1", "u1", "v2", "u2"]
    assert list(merged.values) == [None, 2.0, 1.0, None]
    assert merge(Past(), user) is user
    assert merge(visitor, Past()) is visitor
