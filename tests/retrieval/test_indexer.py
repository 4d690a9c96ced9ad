"""The indexer: the topic in order, one space, up to a known offset."""

from __future__ import annotations

import numpy as np
import pytest

from palate.events.schema import Event
from palate.retrieval.embeddings import Embedding, event_of
from palate.retrieval.freshness import Freshness
from palate.retrieval.index import LocalIndex
from palate.retrieval.indexer import Indexer, TopicTrimmedError
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet, same

A, B = FakeEncoder("aaaa"), FakeEncoder("bbbb", dimension=5)


def held(index: LocalIndex, *asked: str) -> dict[str, np.ndarray]:
    vectors = index.vectors(asked)
    return {one: row for one, row in zip(asked, vectors, strict=True) if np.isfinite(row).all()}


CARS = [f"car{n}" for n in range(10)]


def test_it_ends_where_the_catalogue_is(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A, B)
    for n in range(10):
        catalogue.put(f"car{n}", {"price": n})
    run_until_quiet(embedder)
    index = LocalIndex(8)
    indexer = Indexer(catalogue.topic, index, "aaaa")
    assert indexer.catch_up() == 20
    assert same(held(index, *CARS), catalogue.truth(A))
    catalogue.sell("car3")
    catalogue.put("car4", {"price": 44})
    catalogue.put("car4", {"price": 45})
    run_until_quiet(embedder)
    while indexer.step(limit=1):
        pass
    assert same(held(index, *CARS), catalogue.truth(A))
    assert (indexer.applied, indexer.item_offset) == (catalogue.topic.head(), 13)
    assert indexer.unreadable == 0


def test_a_space_of_another_dimension_does_not_touch_it(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A, B)
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    index = LocalIndex(5)
    indexer = Indexer(catalogue.topic, index, "bbbb")
    indexer.catch_up()
    assert same(held(index, "car1"), catalogue.truth(B))


def test_an_item_deleted_and_put_again_in_one_batch(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    for _ in range(2):
        catalogue.put("car1", {"price": 1})
        catalogue.sell("car1")
    catalogue.put("car1", {"price": 3})
    catalogue.put("car2", {"price": 3})
    catalogue.sell("car2")
    run_until_quiet(embedder)
    index = LocalIndex(8)
    Indexer(catalogue.topic, index, "aaaa").catch_up()
    assert same(held(index, *CARS), catalogue.truth(A))


def test_records_that_are_none_stop_nothing(catalogue: LiveCatalogue) -> None:
    wide = Embedding("car1", "aaaa", np.ones(9, np.float32), 1, 1)
    right = Embedding("car2", "aaaa", np.ones(8, np.float32), 2, 2)
    catalogue.topic.append(
        [event_of(wide), Event(event="view", event_id="v", item_id="car1"), event_of(right)]
    )
    index = LocalIndex(8)
    indexer = Indexer(catalogue.topic, index, "aaaa")
    assert indexer.catch_up() == 3
    assert (len(index), indexer.unreadable, indexer.applied) == (1, 2, 3)


def test_what_was_trimmed_before_it_is_noticed(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    for n in range(5):
        catalogue.put(f"car{n}", {"price": n})
    run_until_quiet(embedder)
    behind = Indexer(catalogue.topic, LocalIndex(8), "aaaa", after=2)
    beyond = Indexer(catalogue.topic, LocalIndex(8), "aaaa", after=3)
    catalogue.topic.trim(4)
    assert beyond.catch_up() == 2
    with pytest.raises(TopicTrimmedError, match="offset 2"):
        behind.step()
    assert len(behind.index) == 0, "nothing is applied out of order"


def test_a_topic_that_ends_before_the_index_is_another(catalogue: LiveCatalogue) -> None:
    with pytest.raises(TopicTrimmedError):
        Indexer(catalogue.topic, LocalIndex(8), "aaaa", after=9).step()


def test_delays_are_measured_for_changes_alone(catalogue: LiveCatalogue) -> None:
    catalogue.put("car1", {"price": 1})
    embedder = catalogue.embedder(A)
    run_until_quiet(embedder)  # from the page: nobody waits for it
    catalogue.put("car2", {"price": 1})
    catalogue.sell("car1")
    run_until_quiet(embedder)
    indexer = Indexer(catalogue.topic, LocalIndex(8), "aaaa")
    indexer.freshness = Freshness()
    indexer.catch_up()
    assert indexer.freshness.count == 2
    assert 0 <= indexer.freshness.quantile(1.0) < 60
