"""The filter stage: the only one that drops items, and it says which and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from palate.columns import ITEM_ID
from palate.features.item_state import HIDDEN, ItemState
from palate.pipeline.filter import NO_FILTER, Filter
from palate.pipeline.parts import Attributes

__all__ = ["Dropped", "Screen"]


@dataclass(slots=True)
class Dropped:
    """Items that were dropped, by reason.

    Attributes:
        ids: Reason to ids: `seen`, `deleted`, `blocked: dealer`, `filter: price` and so on.
    """

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, item_id: str) -> None:
        """One more item."""
        self.ids.setdefault(reason, []).append(item_id)

    def counts(self) -> dict[str, int]:
        """Reason to the number of items."""
        return {reason: len(ids) for reason, ids in self.ids.items()}


@dataclass(frozen=True, slots=True)
class Screen:
    """What must not be in the slate.

    Attributes:
        filter: What every item must be.
        ids: Reason to ids that go for it.
        blocked: Attribute to values that the person never wants to see.
        was_shown: Whether an item stood on a page before; None on the first page.
    """

    filter: Filter = NO_FILTER
    ids: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    blocked: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    was_shown: Callable[[str], bool] | None = None

    @property
    def by_id_alone(self) -> bool:
        """Whether no attribute decides."""
        return not self.filter and not self.blocked.keys() - {ITEM_ID}

    def by_id(self, ids: Sequence[str], dropped: Dropped) -> list[int]:
        """Places in `ids` of those that may stay, as far as their ids tell."""
        by_reason = {**self.ids, "blocked: item": self.blocked.get(ITEM_ID, frozenset())}
        some = {why: gone for why, gone in by_reason.items() if gone}
        hits = [
            (why, found)
            for why, gone in some.items()
            if (found := frozenset(gone).intersection(ids))
        ]
        shown = self.was_shown
        if not hits and shown is None:
            return list(range(len(ids)))
        kept: list[int] = []
        if shown is None:  # most often: a first page, and a handful of seen items
            drops: dict[int, str] = {}
            for why, gone in reversed(hits):
                drops |= {ids.index(item): why for item in gone}
            kept = list(range(len(ids)))
            for at in sorted(drops):
                dropped.add(drops[at], ids[at])
            for at in sorted(drops, reverse=True):
                del kept[at]
            return kept
        for at, item in enumerate(ids):
            reason = next((why for why, gone in hits if item in gone), None)
            if reason is None and shown(item):
                reason = "on a page before"
            if reason is None:
                kept.append(at)
            else:
                dropped.add(reason, item)
        return kept

    def by_state(
        self, ids: Sequence[str], states: Sequence[ItemState | None], dropped: Dropped
    ) -> list[int]:
        """Places of those that may be shown; an item without state was never withdrawn."""
        if self.by_id_alone:
            kept = [
                at
                for at, state in enumerate(states)
                if state is None or not (state.deleted or state.attributes.get(HIDDEN) is True)
            ]
            if len(kept) == len(states):  # nearly always
                return kept
        kept = []
        for at, (item, state) in enumerate(zip(ids, states, strict=True)):
            if state is None:
                reason = self._against({}) if self.filter else None
            elif state.deleted:
                reason = "deleted"
            elif state.hidden:
                reason = "hidden"
            else:
                reason = self._against(state.attributes)
            if reason is None:
                kept.append(at)
            else:
                dropped.add(reason, item)
        return kept

    def by_attributes(
        self, ids: Sequence[str], attributes: Attributes, dropped: Dropped
    ) -> list[int]:
        """As `by_state` where only attributes are known; those without any may stay for now."""
        if self.by_id_alone:
            return list(range(len(ids)))
        stays = np.ones(len(ids), np.bool_)
        for condition in self.filter.conditions:
            goes = stays & ~attributes.holding(condition)
            for at in np.flatnonzero(goes).tolist():
                dropped.add(f"filter: {condition.attribute}", ids[at])
            stays &= ~goes
        for name, unwanted in self.blocked.items():
            if name == ITEM_ID:
                continue
            rows = np.flatnonzero(stays).tolist()
            for at, value in zip(rows, attributes.values(rows, name), strict=True):
                if _is_one_of(value, unwanted):
                    dropped.add(f"blocked: {name}", ids[at])
                    stays[at] = False
        return np.flatnonzero(stays).tolist()

    def _against(self, attributes: Mapping[str, Any]) -> str | None:
        for condition in self.filter.conditions:
            if not condition.holds(attributes):
                return f"filter: {condition.attribute}"
        for name, values in self.blocked.items():
            if _is_one_of(attributes.get(name), values):
                return f"blocked: {name}"
        return None


def _is_one_of(value: Any, unwanted: AbstractSet[str]) -> bool:
    """Whether a value, or one of a list of them, is blocked."""
    several = value if isinstance(value, list | tuple) else (value,)
    return any(one is not None and str(one) in unwanted for one in several)
