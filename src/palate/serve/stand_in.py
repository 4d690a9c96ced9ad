"""What may be shown while the state's server is away: what the log says, to its very end.

A deletion is acknowledged after it is in the log, and every worker reads the log beside its owner.
So items in memory, and what the log has beyond them, let nothing pass that was sold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from palate.events.log.base import EventLog
from palate.events.schema import ABOUT_ITEMS
from palate.features.item_state import ItemState, item_state_of
from palate.features.state import State
from palate.store.redis_server import StoreAwayError
from palate.types import IntArray

__all__ = ["Memory", "StandIn"]

_GONE: Final = ItemState(0, 0, deleted=True)
_PAGE: Final = 2_000


class Memory(Protocol):
    """Live items in memory: `palate.serve.catalogue.Catalogue`."""

    @property
    def offset(self) -> int:
        """The offset of the log up to which everything is in, perhaps more."""
        ...

    def rows(self, ids: Sequence[str]) -> IntArray:
        """(n,) rows of live items; -1 for any other."""
        ...

    def attributes(self, row: int) -> Mapping[str, Any]:
        """What filters read of the item in a row."""
        ...


class StandIn(State):
    """A state for slates: of items it knows enough without the server, of people nothing.

    What is not known to be for sale is not shown: while the server is away, that is every item
    that was never upserted.

    Memory is left as it is, for it may not change while a request is answered.

    Args:
        state: Read while its server answers.
        log: Open beside its owner.
        memory: Follows the log.
    """

    def __init__(self, state: State, log: EventLog, memory: Memory) -> None:
        super().__init__(
            state.store, state.schema, state.history_limit, profile=state.profiles.definition
        )
        self._log = log
        self._memory = memory
        self._newer: dict[str, ItemState] | None = None  # than memory was; None: not needed
        self._read = 0  # the log's offset that `_newer` reaches to

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        """Of each of `ids`: from the server, else from memory and the log.

        Raises:
            StoreError: The state is damaged, or the log cannot be read.
        """
        try:
            found = super().item_states(ids)
        except StoreAwayError:
            newer = self._followed()
            rows = self._memory.rows(ids).tolist()
            return [
                newer[item] if item in newer else self._remembered(row)
                for item, row in zip(ids, rows, strict=True)
            ]
        self._newer = None
        return found

    def items_offset(self) -> int | None:
        """As the state's; None while the server is away.

        Raises:
            StoreError: The state is damaged.
        """
        try:
            return super().items_offset()
        except StoreAwayError:
            return None

    def _remembered(self, row: int) -> ItemState:
        return _GONE if row < 0 else ItemState(0, 0, attributes=dict(self._memory.attributes(row)))

    def _followed(self) -> dict[str, ItemState]:
        """What became of items since the server went away, up to the log's head.

        Little: nothing is acknowledged, and so hardly anything appended, while it is away.
        """
        newer = self._newer
        if newer is None:
            newer, self._read = {}, self._memory.offset
        while records := self._log.read(self._read, limit=_PAGE, events=ABOUT_ITEMS):
            newer |= {record.event.item_id or "": item_state_of(record) for record in records}
            self._read = records[-1].offset
        self._newer = newer
        return newer
