"""The releases that this worker answers with: follows aliases, swaps by one assignment."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from palate.errors import ReleaseError
from palate.models.base import Recommender
from palate.models.warm import warm
from palate.release.bundle import LoadedRelease
from palate.serve.counters import Counters
from palate.serve.faults import MODEL_FAULTS
from palate.types import Int32Array

__all__ = ["Loaded", "Registry", "ReleaseNotLoadedError", "Shelf", "View"]

_RETRY_S: Final = 10.0  # between two tries of a bundle that was refused

logger = logging.getLogger(__name__)


class ReleaseNotLoadedError(ReleaseError):
    """The release exists, but no alias names it, so no worker holds it."""


class Registry(Protocol):
    """What the shelf asks of `palate.release.registry.Releases`."""

    def aliases(self) -> Mapping[str, str]:
        """Each alias and the `name:version` that it names."""
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
    """

    ref: str
    model: Recommender[Any]
    popular: Int32Array
    weights: Mapping[str, tuple[float, bool]]

    @classmethod
    def prepare(cls, release: LoadedRelease) -> Loaded:
        """Run each path of the model once, so that no request compiles or touches cold pages."""
        warm(release.model)
        popular = np.argsort(-release.model.popularity, kind="stable").astype(np.int32)
        weights = {
            name: (kind.weight, kind.value == "multiply")
            for name, kind in release.manifest.schema_.events.items()
        }
        return cls(release.ref, release.model, popular, weights)


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
    """

    def __init__(self, registry: Registry, counters: Counters) -> None:
        self._registry = registry
        self._counters = counters
        self._refused: dict[str, float] = {}  # ref -> when to try again, monotonic seconds
        self._previous: dict[str, Loaded] = {}  # alias -> what it answered with before
        self.view = View()

    def refresh(self) -> bool:
        """Load what aliases name now; whether anything changed. Takes as long as loading does.

        A bundle that cannot be loaded is logged and counted; its alias goes on answering with
        the release before.
        """
        named = self._registry.aliases()
        view = self.view
        if {alias: loaded.ref for alias, loaded in view.aliases.items()} == dict(named):
            return False
        fresh: dict[str, Loaded] = {}
        aliases: dict[str, Loaded] = {}
        for alias, ref in named.items():
            before = view.aliases.get(alias)
            loaded = view.loaded.get(ref) or fresh.get(ref) or self._load(ref)
            if loaded is not None:
                fresh[ref] = loaded
            if before is not None and loaded is not None and loaded is not before:
                self._previous[alias] = before
            if (answers := loaded or before) is not None:
                aliases[alias] = answers
        if aliases == view.aliases:
            return False
        kept = [*self._previous.values(), *aliases.values()]
        self.view = View(aliases, {loaded.ref: loaded for loaded in kept})
        self._counters.swapped()
        logger.info("answering with %s", {alias: x.ref for alias, x in aliases.items()})
        return True

    def _load(self, ref: str) -> Loaded | None:
        if time.monotonic() < self._refused.get(ref, 0.0):
            return None
        try:
            loaded = Loaded.prepare(self._registry.load(ref))
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
