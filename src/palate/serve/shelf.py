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
from palate.serve.warm import warm_nets
from palate.types import Int32Array

__all__ = ["Loaded", "Registry", "ReleaseNotLoadedError", "Shelf", "View", "Waiting"]

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
            warm_nets(nets)
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
class Waiting:
    """A release that an alias names and that does not answer yet.

    Attributes:
        loaded: It. Its list of popular items is all that is taken from it.
        why: What it waits for.
    """

    loaded: Loaded
    why: str

    def __str__(self) -> str:
        """In one sentence."""
        return f"{self.loaded.ref} waits: {self.why}"


@dataclass(frozen=True, slots=True)
class View:
    """What is loaded at one moment; a request takes one view and keeps it.

    Attributes:
        aliases: Each alias and what it answers with; none while it waits and nothing was before.
        loaded: By `name:version`: what an alias answers with, and what each did before.
        waiting: Each alias whose release waits for its index or its profiles.
    """

    aliases: Mapping[str, Loaded] = field(default_factory=dict)
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    def listed(self) -> list[Loaded]:
        """All whose items may stand in an answer: also in the list of one that waits."""
        return [*self.loaded.values(), *(one.loaded for one in self.waiting.values())]


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
        if that has all it needs. Where there was none, no release answers until then.
        """
        named, view = self._registry.aliases(), self.view
        answering = {alias: loaded.ref for alias, loaded in view.aliases.items()}
        if not view.waiting and answering == dict(named):
            return False
        fresh: dict[str, Loaded] = {}
        held: dict[str, Loaded] = {}
        waiting: dict[str, Waiting] = {}
        aliases: dict[str, Loaded] = {}
        for alias, ref in named.items():
            before = view.aliases.get(alias)
            loaded = view.loaded.get(ref) or fresh.get(ref) or self._load(ref)
            if before is None and self._lack(loaded, None):
                before = self._answering_elsewhere(alias, held)
            if loaded is not None and (why := self._lack(loaded, before)):
                self._note_wait(loaded, before, why)
                waiting[alias], held[ref] = Waiting(loaded, why), loaded
                loaded = None
            if loaded is not None:
                fresh[ref] = loaded
            if before is not None and loaded is not None and loaded is not before:
                self._previous[alias] = before
            if (answers := loaded or before) is not None:
                aliases[alias] = answers
        self._waiting = held
        return self._show(aliases, waiting)

    def _show(self, aliases: Mapping[str, Loaded], waiting: Mapping[str, Waiting]) -> bool:
        """Let requests see this from now on; whether it is another view."""
        before = self.view
        if (aliases, waiting) == (before.aliases, before.waiting):
            return False
        kept = [*self._previous.values(), *aliases.values()]
        self.view = View(aliases, {loaded.ref: loaded for loaded in kept}, waiting)
        if self._spaces is not None:
            held = [*kept, *self._waiting.values()]
            self._spaces.keep({one.nets.space for one in held if one.nets is not None})
        if aliases != before.aliases:
            self._counters.swapped()
            logger.info("answering with %s", {alias: x.ref for alias, x in aliases.items()})
        return True

    def _lack(self, loaded: Loaded | None, before: Loaded | None) -> str:
        """What a release needs before it can take over from another; empty for nothing."""
        if loaded is None:
            return "it is not loaded"
        if loaded.space is None or loaded is before:
            return ""
        _brought_up(loaded.space, loaded.ref)
        return _wants(loaded, before, self._reaches)

    def _note_wait(self, loaded: Loaded, before: Loaded | None, why: str) -> None:
        if loaded.ref not in self._waiting:
            answers = "no release answers" if before is None else f"{before.ref} answers"
            logger.warning("release %s waits: %s; %s until then", loaded.ref, why, answers)

    def _answering_elsewhere(self, alias: str, held: dict[str, Loaded]) -> Loaded | None:
        """What workers that began earlier answer with, while a release waits; None if unknown.

        One that has to wait itself is put into `held`, so that it is loaded once.
        """
        ref = self._registry.previous(alias)
        earlier = None if ref is None else self._load(ref)
        if earlier is not None and self._lack(earlier, None):
            held[earlier.ref] = earlier
            return None
        return earlier

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
            ReleaseNotLoadedError: One is, but it is not loaded, or waits.
        """
        view = self.view
        found = view.aliases.get(ref) or view.loaded.get(ref)
        if found is not None:
            return found
        resolved: str = self._registry.resolve(ref).ref
        if resolved in view.loaded:
            return view.loaded[resolved]
        for one in view.waiting.values():
            if one.loaded.ref == resolved:
                raise ReleaseNotLoadedError(
                    f"release {one}", hint="it answers by itself as soon as it can"
                )
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
