"""The last filter, against a brute-force answer, for sources of every kind."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, Schema
from palate.events.log.base import Record
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.state import State
from palate.pipeline.filter import NO_FILTER, Filter, parse_filter
from palate.serve.slate import Wanted, fill
from palate.serve.source import Ranking
from palate.store.memory_store import MemoryStore
from palate.types import AttributeKind

SCHEMA = Schema(items={"price": Attribute(kind=AttributeKind.NUMBER)})
ITEMS = [f"i{n:02}" for n in range(40)]


class Fixed:
    """Ranks the items in their order, and notes how deep it was asked."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self.depths: list[int] = []

    def rank(self, depth: int) -> Ranking:
        self.depths.append(depth)
        ids = self.ids[:depth]
        scores = [-float(ITEMS.index(i)) for i in ids]
        return Ranking(ids, scores, [ITEMS.index(i) for i in ids], depth >= len(self.ids))

    def narrow(self, ids: Sequence[str]) -> Fixed:
        return Fixed([i for i in self.ids if i in set(ids)])


def state_of(deleted: set[str], hidden: set[str]) -> State:
    state = State(MemoryStore(), SCHEMA, 10)
    events = [
        Event(
            event=ITEM_UPSERTED,
            item_id=item,
            attributes={"price": price, "hidden": item in hidden},
        )
        for price, item in enumerate(ITEMS)
        if price % 5  # every fifth item has no state at all
    ]
    events += [Event(event=ITEM_DELETED, item_id=item) for item in sorted(deleted)]
    state.apply([Record(at, event) for at, event in enumerate(events, 1)])
    return state


class Stale:
    """A catalogue that has missed some items and some changes."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids

    def matching(self, wanted: Filter) -> Sequence[str]:
        return self.ids


some_items = st.sets(st.sampled_from(ITEMS))


@given(
    deleted=some_items,
    hidden=some_items,
    excluded=some_items,
    k=st.integers(1, 50),
    most=st.none() | st.integers(0, 40),
)
def test_the_slate_is_the_first_k_that_may_be_shown(
    deleted: set[str], hidden: set[str], excluded: set[str], k: int, most: int | None
) -> None:
    wanted_filter = NO_FILTER if most is None else parse_filter({"price": {"max": most}}, SCHEMA)

    def may_be_shown(item: str) -> bool:
        price = ITEMS.index(item)
        has_state = price % 5 > 0
        if item in deleted | excluded or (has_state and item in hidden):
            return False
        return most is None or (has_state and price <= most)

    chosen = fill(Fixed(ITEMS), Wanted(k, wanted_filter, excluded), state_of(deleted, hidden), None)
    assert [c.item_id for c in chosen] == [i for i in ITEMS if may_be_shown(i)][:k]
    assert [c.row for c in chosen] == [ITEMS.index(c.item_id) for c in chosen]
    assert [c.score for c in chosen] == [-float(c.row) for c in chosen]


def test_it_goes_no_deeper_than_it_must() -> None:
    source = Fixed(ITEMS)
    fill(source, Wanted(5), state_of(set(), set()), None)
    assert source.depths == [5]
    source = Fixed(ITEMS)
    fill(source, Wanted(5), state_of({"i00"}, set()), None)
    assert source.depths == [5, 10]


def test_an_empty_source_gives_an_empty_slate() -> None:
    assert fill(Fixed([]), Wanted(5), state_of(set(), set()), None) == []


def test_a_selective_filter_ranks_what_the_catalogue_names() -> None:
    source = Fixed(ITEMS)
    wanted = Wanted(1, parse_filter({"price": {"min": 38}}, SCHEMA))
    proposed = ["i36", "i38", "i39"]  # i36 has meanwhile become too cheap
    chosen = fill(source, wanted, state_of(set(), set()), Stale(proposed))
    assert [c.item_id for c in chosen] == ["i38"]
    assert max(source.depths) <= 8, "the source itself was not searched to its end"
    chosen = fill(Fixed(ITEMS), wanted, state_of({"i38"}, set()), Stale(proposed))
    assert [c.item_id for c in chosen] == ["i39"], "the store has the last word"
