"""The last filter: candidates become a slate of items that are live right now."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from palate.features.item_state import ItemState
from palate.features.state import State
from palate.pipeline.filter import NO_FILTER, Filter
from palate.serve.source import Ranking, Source
from palate.serve.spans import span

__all__ = ["Chosen", "Proposer", "Wanted", "fill"]

_NARROW_AT: Final = 8  # a filter that leaves a slate short at this many times k is a selective one


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be in the slate.

    Attributes:
        k: How many items.
        filter: What every item must be.
        excluded: Ids that must not be in it.
    """

    k: int
    filter: Filter = NO_FILTER
    excluded: AbstractSet[str] = frozenset()

    def admits(self, item_id: str, state: ItemState | None) -> bool:
        """Whether an item may be shown; one without state was never withdrawn."""
        if item_id in self.excluded:
            return False
        if state is None:
            return not self.filter or self.filter.matches({})
        if not state.showable:
            return False
        return not self.filter or self.filter.matches(state.attributes)


class Chosen(NamedTuple):
    """One item of a slate; `row` in the release's vocabulary, -1 without a release."""

    item_id: str
    score: float
    row: int


class Proposer(Protocol):
    """What `fill` asks of the catalogue."""

    def matching(self, wanted: Filter) -> Sequence[str]:
        """Ids of the items that pass, as far as it has heard."""
        ...


def fill(source: Source, wanted: Wanted, state: State, catalogue: Proposer | None) -> list[Chosen]:
    """The best items of `source` that the state admits at this moment.

    Goes twice as deep while too few are left. Where a filter leaves few, the catalogue names
    the items that pass, and the source ranks those alone.

    Args:
        source: Ranks candidates.
        wanted: How many, and which.
        state: Read after the ranking, so that an item deleted before this call is never shown.
        catalogue: Names the items that pass a filter.
    """
    depth = wanted.k + min(len(wanted.excluded), wanted.k)
    narrowed = catalogue is None or not wanted.filter
    kept: list[int] = []
    looked_at = 0
    while True:
        with span("model.rank"):
            ranking = source.rank(depth)
        with span("filter.last"):
            ids = ranking.ids[looked_at:]
            for at, item in enumerate(state.item_states(ids), looked_at):
                if wanted.admits(ranking.ids[at], item):
                    kept.append(at)
        if len(kept) >= wanted.k or ranking.complete:
            return _chosen(ranking, kept[: wanted.k])
        looked_at = len(ranking.ids)
        depth *= 2
        if not narrowed and catalogue is not None and depth > _NARROW_AT * wanted.k:
            source = source.narrow(catalogue.matching(wanted.filter))
            narrowed, kept, looked_at = True, [], 0


def _chosen(ranking: Ranking, kept: list[int]) -> list[Chosen]:
    ids, scores, rows = ranking.ids, ranking.scores, ranking.rows
    return [Chosen(ids[at], scores[at], rows[at] if rows else -1) for at in kept]
