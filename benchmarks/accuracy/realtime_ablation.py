"""Each part of the real-time nets left out, or one added: generated cars, by validation.

Learned from the first 25 days, judged on the 5 after, in the settings by which the cars are
measured; all visitors, one fit each, differences paired by visitor. What serves RankNet alone is
judged where RankNet orders the list, against RankNet whole. The generated cars have no pictures, so
vectors such as a net of images gives are drawn: model, body, colour and trim at random directions
of 32 dimensions, with as much noise. They are read beside all attributes, and where neither nets
nor profile know any other.

    python benchmarks/accuracy/realtime_ablation.py --json FILE
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from accuracy.realtime import CARS, DAYS, N_CARS, N_VISITORS, SEED, Test, add, cars_test
from harness import Bench
from palate import columns as c
from palate.config import Attribute
from palate.data.generated.cars import Cars
from palate.models.realtime import Realtime
from palate.stats import bootstrap_difference, bootstrap_mean
from palate.types import AttributeKind, Float64Array

LATER: Final = 5
SIZE: Final = 32  # numbers of a picture's vector
PICTURE: Final = {"picture": Attribute(kind=AttributeKind.VECTOR, size=SIZE)}

PARTS: Final[Mapping[str, dict[str, Any]]] = {
    "no profile": {"profile": False},
    "no recent items": {"recent": 0},
    "recent items as the index has them": {"recent_gradient": False},
    "products in bfloat16": {"precision": "bfloat16"},
    "no moment": {"context": False},
    "no attributes": {"attributes": False},
    "no ids": {"ids": False},
    "ids never hidden": {"id_dropout": 0.0},
    "with the words of titles": {"text": ("title",)},
    "no log-Q": {"log_q": False},
    "no catalogue negatives": {"catalogue": 0},
    "no in-batch negatives": {"in_batch": False},
    "with hard negatives": {"hard": 1},
    "no short histories": {"short": 0.0},
    "short histories asked for what comes next": {"short_ahead": False},
    "no falling rate": {"anneal": False},
    "no exposure": {"exposure": 0.0},
    "half of both towers' units hidden": {"dropout": 0.5, "user_dropout": None},
    "ids that begin at 0.1": {"id_spread": 0.1},
    "cosine term of 0.1": {"cosine": 0.1},
    "no cosine term": {"cosine": 0.0},
    "no outcomes": {"rank": 0.0},
}
RANK_NET: Final[Mapping[str, dict[str, Any]]] = {
    "no interaction": {"interaction": False},
    "no moment in RankNet": {"rank_context": False},
    "closeness alone": {"rerank": "never"},
}


def main() -> None:
    bench = Bench("accuracy-realtime_ablation", "Parts of the real-time nets", runs=1)
    test = cars_test(days=DAYS - LATER, later=LATER)
    whole = _asked(Realtime(CARS), test)
    _mean(bench, "all parts", whole)
    for name, change in PARTS.items():
        _less(bench, name, _asked(_changed(change), test), "all parts", whole)
    shown = Realtime(CARS, served=_shown(DAYS - LATER))
    _less(bench, "with what was shown and not taken", _asked(shown, test), "all parts", whole)
    pictured = _asked(Realtime(CARS), _reading(test, test.train.schema.items | PICTURE))
    _less(bench, "with vectors of pictures", pictured, "all parts", whole)
    nothing = _asked(Realtime(CARS), _reading(test, {}))
    _mean(bench, "no attribute anywhere", nothing)
    alone = _asked(Realtime(CARS), _reading(test, PICTURE))
    _less(bench, "vectors of pictures alone", alone, "no attribute anywhere", nothing)
    ordered = _asked(_changed({"rerank": "always"}), test)
    _less(bench, "with RankNet's order", ordered, "all parts", whole)
    for name, change in RANK_NET.items():
        found = _asked(_changed({"rerank": "always", **change}), test)
        _less(bench, name, found, "RankNet's order", ordered)
    bench.finish()


def _changed(change: Mapping[str, Any]) -> Realtime:
    return Realtime(CARS.model_copy(update=dict(change)))


def _asked(model: Realtime, test: Test) -> Float64Array:
    """NDCG@10 of each visitor."""
    return test.per_user(model.fit(test.train))


def _mean(bench: Bench, name: str, found: Float64Array) -> None:
    mean = bootstrap_mean(found)
    add(bench, f"ablation/{name}/ndcg@10", mean.estimate, (mean.low, mean.high))


def _less(bench: Bench, name: str, found: Float64Array, other: str, others: Float64Array) -> None:
    less = bootstrap_difference(found, others)
    add(bench, f"ablation/{name}, less {other}", less.estimate, (less.low, less.high))


def _shown(days: int) -> pl.DataFrame:
    """Every place of every page of those days, and whether it was viewed, as joined answers are."""
    pages = Cars(n_items=N_CARS, n_visitors=N_VISITORS, seed=SEED).impressions(days)
    who = pl.coalesce(c.USER_ID, c.ANONYMOUS_ID).alias(c.USER_ID)
    return pages.select(who, c.ITEM_ID, c.TIMESTAMP, pl.col("taken").cast(pl.Int64).alias("view"))


def _reading(test: Test, attributes: Mapping[str, Attribute]) -> Test:
    """The same visitors and cars, of which these attributes are known."""
    train = test.train
    schema = train.schema.model_copy(update={"items": dict(attributes)})
    items = train.items.with_columns(_pictures(train.items))
    return replace(test, train=replace(train, schema=schema, items=items))


def _pictures(items: pl.DataFrame) -> pl.Series:
    """What a picture shows of each car, as a vector: half of its length is noise."""
    trim = pl.col("title").str.extract(r"(\w+) \d{4},", 1).alias("trim")
    shown = items.with_columns(trim).select("model", "body", "colour", "trim")
    rng = np.random.default_rng(SEED)
    vectors = rng.normal(scale=shown.width**0.5, size=(len(items), SIZE))
    for column in shown:
        values = column.fill_null("").rank("dense").to_numpy() - 1
        vectors += rng.normal(size=(values.max() + 1, SIZE))[values]
    return pl.Series("picture", vectors.astype(np.float32), pl.List(pl.Float32))


if __name__ == "__main__":
    main()
