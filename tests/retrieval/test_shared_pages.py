"""Several indexes follow one topic: a page is read once, and nobody misses or repeats a record."""

from __future__ import annotations

from collections.abc import Sequence

from palate.events.log.base import Record
from palate.events.schema import ITEM_EMBEDDED, Event
from palate.retrieval.shared_pages import SharedPages


class Topic:
    """Records numbered from 1; counts how often it is read."""

    def __init__(self, n: int) -> None:
        self.records = [record(offset) for offset in range(1, n + 1)]
        self.reads = 0

    def read(self, after: int = 0, *, limit: int = 1000) -> list[Record]:
        self.reads += 1
        return self.records[after : after + limit]

    def head(self) -> int:
        return len(self.records)

    def start(self) -> int:
        return 1


def record(offset: int) -> Record:
    return Record(offset, Event(event=ITEM_EMBEDDED, item_id=f"c{offset}"))


def offsets(records: Sequence[Record]) -> list[int]:
    return [one.offset for one in records]


def test_what_one_has_read_is_not_read_again() -> None:
    topic = Topic(5)
    pages = SharedPages(topic)
    assert offsets(pages.read(0, limit=3)) == offsets(pages.read(0, limit=3)) == [1, 2, 3]
    assert topic.reads == 1
    assert offsets(pages.read(3, limit=3)) == offsets(pages.read(3, limit=3)) == [4, 5]
    assert topic.reads == 2


def test_two_that_take_turns_see_all_that_comes_meanwhile() -> None:
    topic = Topic(2)
    pages = SharedPages(topic)
    seen: tuple[list[int], list[int]] = ([], [])
    for _ in range(3):
        for one in seen:
            one += offsets(pages.read(len(one), limit=4))
            topic.records.append(record(topic.head() + 1))
    for one in seen:
        while more := offsets(pages.read(len(one), limit=4)):
            one += more
    assert seen[0] == seen[1] == list(range(1, 9))


def test_nothing_is_not_kept() -> None:
    topic = Topic(0)
    pages = SharedPages(topic)
    assert pages.read() == []
    topic.records.append(record(1))
    assert offsets(pages.read()) == [1]


def test_another_length_is_another_page() -> None:
    pages = SharedPages(Topic(5))
    assert offsets(pages.read(1, limit=1)) == [2]
    assert offsets(pages.read(1, limit=2)) == [2, 3]


def test_head_and_start_are_those_of_now() -> None:
    topic = Topic(1)
    pages = SharedPages(topic)
    assert (pages.head(), pages.start()) == (1, 1)
    topic.records.append(record(2))
    assert pages.head() == 2
