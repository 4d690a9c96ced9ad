"""The releases that this worker answers with: follows aliases, swaps by one assignment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from palate.errors import ReleaseError
from palate.models.base import Recommender
from palate.models.warm import warm
from palate.release.bundle import LoadedRelease
from palate.serve.counters import Counters
from palate.serve.faults import MODEL_FAULTS
from palate.serve.spaces import ServedNets, SpaceIndex, Spaces, nets_of
from palate.types import Int32Array

__all__ = ["Loaded", "Registry", "ReleaseNotLoadedError", "Shelf", "View"]

_RETRY_S: Final = 10.0  # between two tries of a bundle that was refused
_LEAST_SHARE: Final = 0.5  # of the items before, that an index holds at least

logger = logging.getLogger(__name__)


class ReleaseNotLoadedError(ReleaseError):
    """The release exists, but no alias names it, so no worker holds it."""


class Registry(Protocol):
    """What the shelf asks of `palate.release.registry.Releases`."""

    def aliases(self) -> Mapping[str, str]:
        """Each alias and the `name:version` that it names."""
        ...

    def previous(self, alias: str) -> str | None:
        """What an alias named before what it names now; None for nothing."""
        ...

    def resolve(self, ref: str) -> Any:
        """The release on record, which has a `ref`; UnknownReleaseError for none."""
        ...

    def load(self, ref: str) -> LoadedRelease:
        """Verify and load; BundleError for a damaged one."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A release, warm, with what requests need of it at hand.

    Attributes:
        ref: `name:version`.
        model: Answers for any history.
        popular: (n_items,) int32 rows, most popular first, ties by row.
        weights: Event type to its weight, and whether the event's value multiplies it.
        nets: Of a model that has some, where this service answers with them.
        space: The index of the nets' space; with the nets from the beginning, so that a request
            which has the one has the other.
    """

    ref: str
    model: Recommender[Any]
    popular: Int32Array
    weights: Mapping[str, tuple[float, bool]]
    nets: ServedNets | None = None
    space: SpaceIndex | None = None

    @classmethod
    def prepare(
        cls, release: LoadedRelease, spaces: Spaces | None = None, *, waits: bool = False
    ) -> Loaded:
        """Run each path of the model once, so that no request compiles or touches cold pages.

        Args:
            release: Verified.
            spaces: Where nets get their index; None leaves nets alone.
            waits: Whether workers load a new index one after the other: others answer meanwhile.
        """
        warm(release.model)
        nets = None if spaces is None else nets_of(release.model)
        if nets is not None:
            _warm_nets(nets)
        popular = np.argsort(-release.model.popularity, kind="stable").astype(np.int32)
        weights = {
            name: (kind.weight, kind.value == "multiply")
            for name, kind in release.manifest.schema_.events.items()
        }
        space = None if spaces is None or nets is None else spaces.of(nets, waits=waits)
        return cls(release.ref, release.model, popular, weights, nets, space)

    @property
    def fingerprint(self) -> str | None:
        """Of the profiles that the nets read; None for none."""
        layout: Any = None if self.nets is None else self.nets.layout
        return None if layout is None else layout.fingerprint


@dataclass(frozen=True, slots=True)
class View:
    """What is loaded at one moment; a request takes one view and keeps it.

    Attributes:
        aliases: Each alias and what it answers with.
        loaded: By `name:version`: what an alias names, and what each named before.
    """

    aliases: Mapping[str, Loaded] = field(default_factory=dict)
    loaded: Mapping[str, Loaded] = field(default_factory=dict)


class Shelf:
    """Holds the current `View`, and renews it when an alias moves.

    Args:
        registry: Where releases and aliases are.
        counters: Swaps and refused bundles are counted there.
        spaces: Indexes of nets; None where nobody is answered by nets.
        reaches: Whether the profiles of a definition reach as far as the state.
    """

    def __init__(
        self,
        registry: Registry,
        counters: Counters,
        *,
        spaces: Spaces | None = None,
        reaches: Callable[[str], bool] = lambda fingerprint: True,
    ) -> None:
        self._registry = registry
        self._counters = counters
        self._spaces = spaces
        self._reaches = reaches
        self._waiting: dict[str, Loaded] = {}  # by ref: loaded, and not all it needs is there
        self._refused: dict[str, float] = {}  # ref -> when to try again, monotonic seconds
        self._previous: dict[str, Loaded] = {}  # alias -> what it answered with before
        self.view = View()

    def refresh(self) -> bool:
        """Load what aliases name now; whether anything changed. Takes as long as loading does.

        A bundle that cannot be loaded is logged and counted; its alias goes on answering with
        the release before. So it does while a release of nets has to wait for its index, or for
        its profiles; and a worker that begins meanwhile answers with the release before as well,
        if that has all it needs.
        """
        named = self._registry.aliases()
        view = self.view
        if {alias: loaded.ref for alias, loaded in view.aliases.items()} == dict(named):
            return False
        fresh: dict[str, Loaded] = {}
        waiting: dict[str, Loaded] = {}
        aliases: dict[str, Loaded] = {}
        for alias, ref in named.items():
            before = view.aliases.get(alias)
            loaded = view.loaded.get(ref) or fresh.get(ref) or self._load(ref)
            if before is None and not self._is_ready(loaded):
                before = self._answering_elsewhere(alias)
            if loaded is not None and not self._may_answer(loaded, before):
                waiting[ref], loaded = loaded, None
            if loaded is not None:
                fresh[ref] = loaded
            if before is not None and loaded is not None and loaded is not before:
                self._previous[alias] = before
            if (answers := loaded or before) is not None:
                aliases[alias] = answers
        self._waiting = waiting
        if aliases == view.aliases:
            return False
        kept = [*self._previous.values(), *aliases.values()]
        self.view = View(aliases, {loaded.ref: loaded for loaded in kept})
        if self._spaces is not None:
            held = [*kept, *waiting.values()]
            self._spaces.keep({one.nets.space for one in held if one.nets is not None})
        self._counters.swapped()
        logger.info("answering with %s", {alias: x.ref for alias, x in aliases.items()})
        return True

    def _may_answer(self, loaded: Loaded, before: Loaded | None) -> bool:
        """Whether a release takes over from the one before; without one it does in any case."""
        if loaded.space is None or loaded is before:
            return True
        _brought_up(loaded.space, loaded.ref)
        if before is None:
            return True
        why = _wants(loaded, before, self._reaches)
        if why and loaded.ref not in self._waiting:
            logger.warning("release %s waits: %s; the one before answers", loaded.ref, why)
        return not why

    def _is_ready(self, loaded: Loaded | None) -> bool:
        """Whether a release is there with all it needs."""
        if loaded is None or loaded.space is None:
            return loaded is not None
        _brought_up(loaded.space, loaded.ref)
        return not _wants(loaded, None, self._reaches)

    def _answering_elsewhere(self, alias: str) -> Loaded | None:
        """What workers that began earlier answer with, while a release waits; None if unknown."""
        ref = self._registry.previous(alias)
        earlier = None if ref is None else self._load(ref)
        return earlier if self._is_ready(earlier) else None

    def _load(self, ref: str) -> Loaded | None:
        if ref in self._waiting:
            return self._waiting[ref]
        if time.monotonic() < self._refused.get(ref, 0.0):
            return None
        try:
            waits = bool(self.view.aliases)
            loaded = Loaded.prepare(self._registry.load(ref), self._spaces, waits=waits)
        except MODEL_FAULTS as error:
            logger.error("release %s is refused, the one before stays: %s", ref, error)
            self._counters.refused()
            self._refused[ref] = time.monotonic() + _RETRY_S
            return None
        self._refused.pop(ref, None)
        return loaded

    def find(self, ref: str) -> Loaded:
        """What is loaded under an alias, a `name:version`, or a name (its newest version).

        Raises:
            UnknownReleaseError: No release is called so.
            ReleaseNotLoadedError: One is, but it is not loaded.
        """
        view = self.view
        found = view.aliases.get(ref) or view.loaded.get(ref)
        if found is not None:
            return found
        resolved: str = self._registry.resolve(ref).ref
        if resolved in view.loaded:
            return view.loaded[resolved]
        raise ReleaseNotLoadedError(
            f"release {resolved} exists but is not loaded",
            hint="palate release promote gives it an alias, and the service loads it",
        )


def _brought_up(space: SpaceIndex, ref: str) -> None:
    """Let the index of a release be no further behind than what it replaces."""
    try:
        if space.index is None:
            space.refresh()
        space.follow()
    except MODEL_FAULTS as error:
        logger.error("release %s has no index: %s", ref, error)


def _wants(loaded: Loaded, before: Loaded | None, reaches: Callable[[str], bool]) -> str:
    """What a release of nets needs before it can take over; empty for nothing."""
    index = None if loaded.space is None else loaded.space.index
    if index is None:
        return "its space has no index yet"
    replaced = None if before is None or before.space is None else before.space.index
    if replaced is not None and len(index) < _LEAST_SHARE * len(replaced):
        return f"its index holds {len(index)} items, and that of the one before {len(replaced)}"
    if loaded.fingerprint is not None and not reaches(loaded.fingerprint):
        return f"the profiles of definition {loaded.fingerprint} are not filled from the log"
    return ""


def _warm_nets(nets: ServedNets) -> None:
    """Run what a request runs of them."""
    layout: Any = nets.layout
    nobody = np.zeros(0 if layout is None else layout.size, np.float32)
    user = nets.embed_user(nobody, np.zeros((0, nets.dimension), np.float32), None)
    nets.rank(user, user[np.newaxis], None)  # as an item's: the item net is the embedder's
