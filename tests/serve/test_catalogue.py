"""The worker's catalogue: equal to the live items, in the order of their changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.pipeline.filter import parse_filter
from palate.serve.catalogue import Catalogue
from palate.testing.service import InProcessService


def upsert(item: str, **attributes: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes)


def known(catalogue: Catalogue) -> dict[str, Mapping[str, Any]]:
    ids = list(catalogue.newest())
    return dict(zip(ids, map(catalogue.attributes, catalogue.rows(ids).tolist()), strict=True))


def test_filled_and_followed_catalogues_are_equal(empty_service: InProcessService) -> None:
    ingest, catalogue = empty_service.ingest, empty_service.context.catalogue
    ingest.append([upsert("a", price=1, title="A"), upsert("b", price=2), upsert("c")])
    ingest.append([upsert("a", price=3), Event(event=ITEM_DELETED, item_id="b")])
    ingest.append([upsert("d", hidden=True), upsert("e", hidden=True), upsert("e", genre="x")])
    ingest.append([Event(event="click", user_id="ann", item_id="a")])
    while catalogue.follow():
        pass
    assert list(catalogue.newest()) == ["e", "a", "c"]
    followed = known(catalogue)
    assert followed == {"e": {"genre": "x"}, "a": {"price": 3}, "c": {}}, "text is not kept"
    catalogue.fill(empty_service.context.state)
    assert known(catalogue) == followed
    assert list(catalogue.newest()) == ["e", "a", "c"]
    assert catalogue.follow() == 0
    assert len(catalogue) == 3


def test_many_changes_are_taken_in_by_small_pages(empty_service: InProcessService) -> None:
    ingest, catalogue = empty_service.ingest, empty_service.context.catalogue
    ingest.append([upsert(f"item-{n}") for n in range(450)])
    pages = [catalogue.follow() for _ in range(4)]
    assert pages == [200, 200, 50, 0], "requests wait for a page"
    assert len(catalogue) == 450


def test_matches_are_kept_until_an_item_changes(empty_service: InProcessService) -> None:
    ingest, catalogue = empty_service.ingest, empty_service.context.catalogue
    cheap = parse_filter({"price": {"max": 5}}, empty_service.settings.schema_)
    ingest.append([upsert("a", price=1), upsert("b", price=9)])
    catalogue.follow()
    assert catalogue.matching(cheap) == ["a"]
    same = parse_filter({"price": {"max": 5.0}}, empty_service.settings.schema_)
    assert catalogue.matching(same) == ["a"]
    assert len(catalogue._matches) == 1
    ingest.append([upsert("b", price=2)])
    catalogue.follow()
    assert catalogue.matching(cheap) == ["b", "a"]


def test_kept_matches_do_not_grow_without_end(empty_service: InProcessService) -> None:
    catalogue = empty_service.context.catalogue
    empty_service.ingest.append([upsert("a", price=1)])
    catalogue.follow()
    for n in range(500):
        limit = parse_filter({"price": {"max": n}}, empty_service.settings.schema_)
        assert catalogue.matching(limit) == ([] if n == 0 else ["a"])
    assert len(catalogue._matches) <= 64
