"""Generated news: clicks follow topics, and titles do not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data.generated.news import N_TOPICS, SHOWN, generate_news
from palate.errors import DataError
from palate.metrics.auc import auc


def test_sizes_and_order() -> None:
    news = generate_news(n_users=20, n_items=80, impressions=3)
    events = news.dataset.interactions
    assert events.height == 20 * 3 * SHOWN
    assert set(events["event"]) == {"click", "impression"}
    shown = events.group_by("user_id", "timestamp").agg(pl.len(), pl.col("item_id").n_unique())
    assert set(shown["len"]) == set(shown["item_id"]) == {SHOWN}
    assert news.test.height == 20 * 2 * SHOWN == len(news.chance)
    assert news.dataset.histories.values.tolist().count(1.0) == (events["event"] == "click").sum()


def test_news_of_the_test_stand_in_no_event() -> None:
    news = generate_news(n_users=20, n_items=80)
    assert not set(news.test["item_id"]) & set(news.dataset.interactions["item_id"])
    assert set(news.test["item_id"]) <= set(news.dataset.item_vocabulary.ids)


def test_the_truth_ranks_the_clicks() -> None:
    news = generate_news(n_users=100, n_items=200, impressions=2)
    assert auc(news.test["clicked"], news.chance) > 0.88


def test_all_entities_of_a_news_item_are_of_one_topic() -> None:
    news = generate_news(n_users=5, n_items=60, impressions=1)
    numbers = [
        {int(mention[1:4]) % N_TOPICS for mention in mentions}
        for mentions in news.dataset.items["entities"].to_list()
    ]
    assert all(len(topics) == 1 for topics in numbers)
    assert len(set.union(*numbers)) == N_TOPICS


def test_names_stand_in_titles_and_tell_no_topic() -> None:
    news = generate_news(n_users=5, n_items=2000, impressions=1)
    items = news.dataset.items
    first = items["entities"].list.first().str.split(":")
    named = pl.DataFrame(
        {
            "topic": first.list.first().str.slice(1).cast(pl.Int64) % N_TOPICS,
            "name": first.list.last(),
            "title": items["title"],
        }
    )
    assert named.select(pl.col("title").str.contains(pl.col("name")).all()).item()
    counts = named.pivot("name", index="topic", values="title", aggregate_function="len")
    shares = counts.drop("topic").to_numpy() / 2000
    np.testing.assert_allclose(shares, 1 / 64, atol=0.012)


def test_the_seed_decides() -> None:
    one, same = generate_news(5, 40, 1, seed=3), generate_news(5, 40, 1, seed=3)
    assert one.dataset.checksum == same.dataset.checksum
    assert one.facts.equals(same.facts)
    assert one.dataset.checksum != generate_news(5, 40, 1, seed=4).dataset.checksum


@pytest.mark.parametrize("sizes", [(0, 40, 1), (1, 39, 1), (1, 40, 0)])
def test_too_little(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match="cannot generate"):
        generate_news(*sizes)
