"""Which item nets the embedder uses now: those that releases want, and for a while those before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from palate.errors import PalateError
from palate.release.registry import Releases
from palate.retrieval.embedder import Embedder
from palate.retrieval.encoder import ItemEncoder
from palate.retrieval.snapshot import Snapshots

__all__ = ["Casting", "Encoders", "ReleasedEncoders"]

_AGAIN_S: Final = 30.0  # before a net that embedded nothing is tried again

logger = logging.getLogger(__name__)


class Encoders(Protocol):
    """Says which item nets are wanted now; asked every second."""

    def __call__(self) -> Sequence[ItemEncoder]:
        """Their encoders; of one space, one."""
        ...


class ReleasedEncoders:
    """The item nets of all releases that an alias names.

    Args:
        releases: Where they are. A model without item nets has no attribute `nets`.
    """

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._loaded: dict[str, ItemEncoder | None] = {}

    def __call__(self) -> Sequence[ItemEncoder]:
        """Those of the aliases' releases now.

        A release that cannot be loaded is logged, and looked at again when an alias moves.

        Raises:
            StoreError: The registry cannot be read.
        """
        named = set(self._releases.aliases().values())
        if named != self._loaded.keys():
            self._loaded = {
                ref: self._loaded[ref] if ref in self._loaded else self._of(ref)
                for ref in sorted(named)
            }
        found = {one.space: one for one in self._loaded.values() if one is not None}
        return list(found.values())

    def _of(self, ref: str) -> ItemEncoder | None:
        try:
            model: Any = self._releases.load(ref).model
        except PalateError as error:
            logger.error("release %s embeds nothing: %s", ref, error)
            return None
        nets = getattr(model, "nets", None)
        return nets if isinstance(nets, ItemEncoder) else None


class Casting:
    """Tells an embedder what to use.

    A space that is wanted no more is embedded on until every wanted one has a snapshot, and
    `both_s` longer: until then workers answer from it, or may want it back.

    Args:
        embedder: Is told.
        wanted: What releases want.
        snapshots: Say which spaces workers can answer from.
        both_s: Seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        embedder: Embedder,
        wanted: Encoders,
        snapshots: Snapshots,
        *,
        both_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._embedder = embedder
        self._wanted = wanted
        self._snapshots = snapshots
        self._both_s = both_s
        self._clock = clock
        self._used: dict[str, ItemEncoder] = {}
        self._broken: dict[str, float] = {}  # spaces, and when to try them again
        self._leaving: dict[str, float] = {}  # spaces, and when they go

    def renew(self) -> bool:
        """Look at what is wanted; whether there is anything to embed with.

        Where there is nothing the embedder keeps its spaces and waits: what it has not followed
        it would lose.

        Raises:
            StoreError: A pointer or the registry cannot be read.
        """
        now = self._clock()
        self._broken = {space: at for space, at in self._broken.items() if at > now}
        wanted = {one.space: one for one in self._wanted() if one.space not in self._broken}
        ready = all(self._snapshots.pointed(space) is not None for space in wanted)
        for space in self._used:
            if space in wanted or not ready:
                self._leaving.pop(space, None)
            else:
                self._leaving.setdefault(space, now + self._both_s)
        staying = {
            space: one
            for space, one in self._used.items()
            if space not in self._broken and self._leaving.get(space, now + 1) > now
        }
        self._used = {**staying, **wanted}
        if self._used:
            self._embedder.use(self._used.values())
        return bool(self._used)

    def leave_out(self, space: str) -> bool:
        """Go on without a net that embeds nothing; False where it is the only one.

        It is tried again later, and then embeds the whole catalogue.
        """
        if len(self._used) < 2:
            return False
        self._broken[space] = self._clock() + _AGAIN_S
        return self.renew()
