"""The embedding spaces that this worker answers in, each with the index of its items."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Protocol, runtime_checkable

from palate.errors import PalateError
from palate.pipeline.parts import Nets
from palate.retrieval.encoder import ItemEncoder
from palate.retrieval.index.base import VectorIndex

__all__ = ["MakeIndex", "ServedNets", "SpaceIndex", "Spaces", "nets_of"]

logger = logging.getLogger(__name__)


@runtime_checkable
class ServedNets(Nets, ItemEncoder, Protocol):
    """Nets that embed people and items of one space, and rank: `models.realtime.Nets`."""


class SpaceIndex(Protocol):
    """The index of one space in this worker, as fresh as it can be.

    One thread calls `refresh`, one `follow`; any reads `index`.
    """

    @property
    def index(self) -> VectorIndex | None:
        """What answers now; None before there is one. A request takes it once."""
        ...

    @property
    def snapshot(self) -> str:
        """What the index began with; empty where it was made here, or there is none."""
        ...

    def refresh(self) -> bool:
        """Make or load an index where there is none, or a newer one; whether it did. Slow."""
        ...

    def follow(self) -> int:
        """Take in what became of items since the last call; how many changes that were."""
        ...


class MakeIndex(Protocol):
    """Gives the index of nets' space."""

    def __call__(self, nets: ServedNets, *, waits: bool) -> SpaceIndex:
        """Not loaded yet; with `waits` it will be when this worker's turn comes."""
        ...


class Spaces:
    """Indexes by space.

    Args:
        make: Gives the index of nets' space; called once a space.
    """

    def __init__(self, make: MakeIndex) -> None:
        self._make = make
        self._held: dict[str, SpaceIndex] = {}
        self._said: dict[str, str] = {}  # the fault of a space, while it lasts

    def of(self, nets: ServedNets, *, waits: bool = False) -> SpaceIndex:
        """The index of the nets' space; it may have to be refreshed first.

        Args:
            nets: Of the space.
            waits: Whether a new one is loaded by one worker after the other.
        """
        found = self._held.get(nets.space)
        if found is None:
            found = self._make(nets, waits=waits)
            self._held = {**self._held, nets.space: found}
        return found

    def keep(self, spaces: Collection[str]) -> None:
        """Let go of all others: no release answers in them any more."""
        self._held = {name: one for name, one in self._held.items() if name in spaces}

    def refresh(self) -> None:
        """Refresh each; a fault of one is logged, and stops no other."""
        for name, one in self._held.items():
            try:
                one.refresh()
            except PalateError as error:
                if self._said.get(name) != type(error).__name__:
                    logger.error("the index of space %s is not refreshed: %s", name, error)
                self._said[name] = type(error).__name__
            else:
                self._said.pop(name, None)

    def follow(self) -> int:
        """Follow each; a fault of one is logged, and stops no other."""
        done = 0
        for name, one in self._held.items():
            try:
                done += one.follow()
            except PalateError as error:
                logger.error("the index of space %s is not followed: %s", name, error)
        return done


def nets_of(model: object) -> ServedNets | None:
    """The nets of a model that has some."""
    nets = getattr(model, "nets", None)
    return nets if isinstance(nets, ServedNets) else None
