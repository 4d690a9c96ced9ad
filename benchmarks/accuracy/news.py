"""News by DKN: generated news whose clicks depend on entities alone, and MIND's impressions.

MIND (small, 9 to 13 November 2019; few of its titles carry entities here): train to 12
November, test 13 November. Settings are chosen by training to 11 November and asking about the
12th. Each test impression is answered from the history that stands beside it.

    python benchmarks/accuracy/news.py generated mind --json FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, data_folder
from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.data.generated.news import generate_news
from palate.metrics.auc import auc
from palate.models.base import Recommender
from palate.models.contentknn import ContentKNN, ContentKNNConfig
from palate.models.dkn import DKN, DKNConfig
from palate.models.knowledge import Knowledge
from palate.models.popular import Popular
from palate.models.transe import TransEConfig
from palate.stats import bootstrap_difference, bootstrap_mean
from palate.types import AttributeKind, Float64Array

GENERATED: Final = DKNConfig(length=10, epochs=10, spans=(1, 2))
# Set beforehand; when to stop is found on clicks of the training part.
MIND: Final = DKNConfig(
    categories=("category", "subcategory"),
    T=20,
    length=16,
    spans=(1,),
    filters=96,
    dropout=0.4,
    learning_rate=3e-4,
    weight_decay=0.1,
    epochs=4,
    refit=False,
)
BEFORE: Final = "2019-11-08"  # when what stands in `history` happened, or earlier
METRICS: Final = ("AUC", "MRR", "NDCG@5", "NDCG@10")
SCHEMA: Final = Schema(
    events={"click": EventType(), "impression": EventType(weight=0.0)},
    items={
        "title": Attribute(kind=AttributeKind.TEXT),
        "category": Attribute(kind=AttributeKind.CATEGORY),
        "subcategory": Attribute(kind=AttributeKind.CATEGORY),
        "entities": Attribute(kind=AttributeKind.CATEGORIES),
    },
)


def generated(bench: Bench) -> None:
    """With entities 0.80 is asked for, without them no more than 0.55."""
    news = generate_news()
    known = Knowledge.of_facts(news.facts, TransEConfig())
    clicked = news.test["clicked"]
    bench.add("generated/the truth/AUC", auc(clicked, news.chance), higher_is_better=True)
    found = {}
    for channels in ("context", "entities", "words"):
        config = GENERATED.model_copy(update={"channels": channels})
        model = DKN(config, knowledge=known).fit(news.dataset, progress=_said)
        found[channels] = auc(clicked, model.score(news.test))
    for channels, value in found.items():
        words = channels == "words"
        bench.add(
            f"generated/DKN, {channels}/AUC",
            value,
            higher_is_better=not words,
            target={"context": 0.80, "words": 0.55}.get(channels),
        )


def mind(bench: Bench, folder: Path) -> None:
    rows = pl.read_parquet(folder / "behaviors.parquet")
    items = news_items(pl.read_parquet(folder / "news.parquet"))
    day = pl.col("time").str.slice(8, 2).cast(pl.Int32)
    train, test = dataset(rows.filter(day <= 12), items), rows.filter(day == 13)
    titles = ContentKNN(ContentKNNConfig(attributes=("title",)))
    models: dict[str, Recommender[Any]] = {
        "DKN": DKN(MIND),
        "title similarity": titles,
        "popularity": Popular(),
    }
    found = {}
    for name, model in models.items():
        found[name] = judged(model.fit(train, progress=_said), test, items)
        print(f"\nmind: {name}: {found[name].mean(axis=0).round(4)}", file=sys.stderr)
        for at, metric in enumerate(METRICS):
            interval = bootstrap_mean(found[name][:, at])
            bench.add(
                f"mind/{name}/{metric}",
                interval.estimate,
                higher_is_better=True,
                interval=(interval.low, interval.high),
            )
    ours, *others = found
    for name in others:
        ahead = bootstrap_difference(found[ours][:, 0], found[name][:, 0])
        bench.add(
            f"mind/DKN less {name}/AUC",
            ahead.estimate,
            higher_is_better=True,
            interval=(ahead.low, ahead.high),
        )


def news_items(news: pl.DataFrame) -> pl.DataFrame:
    """item_id, title, category, subcategory, entities: those of the title with their names."""
    entities = []
    for of_title, of_abstract in news.select("title_entities", "abstract_entities").rows():
        named = [
            f"{one['WikidataId']}:{one['SurfaceForms'][0] if one['SurfaceForms'] else ''}"
            for one in json.loads(of_title or "[]")
        ]
        entities.append(named + [one["WikidataId"] for one in json.loads(of_abstract or "[]")])
    return news.select(
        "title", "category", "subcategory", item_id="news_id", entities=pl.Series(entities)
    )


def events(rows: pl.DataFrame, *, users: str, shown: bool) -> pl.DataFrame:
    """Clicks before the first impression, then (`shown`) what each impression showed."""
    history = (
        rows.unique(users, keep="first", maintain_order=True)
        .select(
            user_id=users, item_id=pl.col("history").str.split(" "), timestamp=pl.lit("2019-11-08")
        )
        .explode("item_id")
        .drop_nulls("item_id")
        .with_columns(event=pl.lit("click"))
    )
    if not shown:
        return history
    impressions = (
        rows.select(user_id=users, item_id=pl.col("impressions").str.split(" "), timestamp="time")
        .explode("item_id")
        .with_columns(
            pl.col("item_id").str.slice(0, pl.col("item_id").str.len_chars() - 2),
            event=pl.when(pl.col("item_id").str.ends_with("-1"))
            .then(pl.lit("click"))
            .otherwise(pl.lit("impression")),
        )
    )
    return pl.concat([history, impressions], how="diagonal")


def dataset(rows: pl.DataFrame, items: pl.DataFrame) -> Dataset:
    """Users with their clicks and what they were shown."""
    return Dataset.from_frames(
        events(rows, users="user_id", shown=True), items=items, schema=SCHEMA, name="mind"
    )


def judged(model: Recommender[Any], rows: pl.DataFrame, items: pl.DataFrame) -> Float64Array:
    """(n, 4) figures of each impression that has both clicked and other news."""
    rows = rows.with_columns(asked=pl.col("impression_id").cast(pl.String))
    pairs = events(rows, users="asked", shown=True).filter(pl.col("timestamp") != BEFORE)
    before = Dataset.from_frames(
        events(rows, users="asked", shown=False), items=items, schema=SCHEMA
    )
    scores = np.nan_to_num(model.with_histories(before).score(pairs), nan=0.0)
    frame = pairs.with_columns(score=pl.Series(scores), label=pl.col("event") == "click")
    figures = []
    for _, one in frame.group_by("user_id", maintain_order=True):
        labels, found = one["label"].to_numpy(), one["score"].to_numpy()
        if 0 < labels.sum() < len(labels):
            figures.append(_of_impression(labels, found))
    return np.array(figures)


def _of_impression(labels: np.ndarray, scores: np.ndarray) -> list[float]:
    """AUC; mean reciprocal rank of the clicked; NDCG@5 and @10; ties in the order shown."""
    ranked = labels[np.argsort(-scores, kind="stable")]
    ranks = np.flatnonzero(ranked) + 1.0
    gains = 1 / np.log2(np.arange(len(ranked)) + 2)
    ndcg = [
        float((gains * ranked)[:k].sum() / gains[: min(k, int(labels.sum()))].sum())
        for k in (5, 10)
    ]
    return [auc(labels, scores), float((1 / ranks).mean()), *ndcg]


def _said(done: int, of: int, what: str) -> None:
    print(f"\r{what} ({done} of {of})", end="", file=sys.stderr, flush=True)


def main() -> None:
    chosen = [name for name in sys.argv[1:] if name in {"generated", "mind"}]
    rest = [word for word in sys.argv[1:] if word not in chosen]
    bench = Bench("accuracy-news", "News by DKN", runs=1, arguments=rest)
    if not chosen or "generated" in chosen:
        generated(bench)
    if not chosen or "mind" in chosen:
        mind(bench, data_folder("mind") / "mind")
    bench.finish()


if __name__ == "__main__":
    main()
