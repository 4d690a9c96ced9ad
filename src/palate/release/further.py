"""A release learns on: what is new is cut in two, one part is learned and the newest judges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from palate import columns as c
from palate.data.dataset import Dataset
from palate.errors import DataError, ReleaseError
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.models.continuing import continuing
from palate.models.shown import LearnsFromShown
from palate.release.bundle import LoadedRelease
from palate.release.gate import weigh
from palate.release.manifest import describe
from palate.release.registry import Releases
from palate.release.verdict import GateRule, Verdict
from palate.types import Progress

__all__ = ["CANARY", "Cut", "Further", "cut_new", "ended", "go_on"]

CANARY: Final = "canary"


@dataclass(frozen=True, slots=True)
class Cut:
    """New events cut in two, by time.

    Attributes:
        dataset: What may be learned from: everything up to `until`, and events without a time.
        until: The newest event of it; what came later judges.
        new: Events that came after the moment given and are learned from.
        held: Events that came after `until`.
        shown: What was shown up to `until`, as `data.shown.shown_in` gives it; None where no model
            is to learn from that.
    """

    dataset: Dataset
    until: datetime
    new: int
    held: int
    shown: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Further:
    """What became of a release that learned on; nothing is released yet.

    Attributes:
        base: `name:version` that it began as.
        model: As it is now.
        cut: What it learned from, and how much judged it.
        verdict: Of the gate, against the base over the same catalogue.
    """

    base: str
    model: Recommender[Any]
    cut: Cut
    verdict: Verdict


def ended(base: LoadedRelease) -> datetime:
    """The newest event that a release learned from.

    Raises:
        ReleaseError: Its events had no times.
    """
    found = base.manifest.data.window_to
    if found is None:
        raise ReleaseError(
            f"{base.ref} learned from events without times, so nothing is known to be new",
            hint=f"train it anew: palate train {base.manifest.model}",
        )
    return found


def cut_new(
    dataset: Dataset,
    *,
    since: datetime,
    last: datetime,
    share: float,
    shown: pl.DataFrame | None = None,
) -> Cut | None:
    """Hold out the newest share of what the base does not know.

    Args:
        dataset: Everything.
        since: Events after this moment count as new, though the base may know some of them.
        last: The newest event that the base learned from.
        share: Of the new events unknown to the base, how many judge; above 0, below 1.
        shown: What was shown, to learn from too; what was shown later than what is learned is
            left out.

    Returns:
        None where nothing happened after both moments.

    Raises:
        DataError: The share is impossible, or all that is new happened in one moment.
    """
    if not 0 < share < 1:
        raise DataError(f"the share that judges is {share}", hint="give one above 0 and below 1")
    times = dataset.interactions[c.TIMESTAMP]
    unknown = times.filter(times > max(since, last)).sort()
    if unknown.is_empty():
        return None
    until = unknown[max(0, math.floor(len(unknown) * (1 - share)) - 1)]
    if until == unknown[-1]:
        earlier = unknown.filter(unknown < until)
        if earlier.is_empty():
            raise DataError(
                f"all {len(unknown)} new events are of one moment, {until}: none of them can judge",
                hint="wait for more to happen",
            )
        until = earlier[-1]
    known = dataset.interactions.filter(times.is_null() | (times <= until))
    return Cut(
        dataset.with_interactions(known),
        until,
        new=int((known[c.TIMESTAMP] > since).sum()),
        held=int((unknown > until).sum()),
        shown=None if shown is None else shown.filter(pl.col(c.TIMESTAMP) <= until),
    )


def go_on(
    releases: Releases,
    ref: str,
    cut: Cut,
    dataset: Dataset,
    *,
    since: datetime,
    config: ModelConfig | None = None,
    rule: GateRule | None = None,
    progress: Progress | None = None,
) -> Further:
    """Let the model of a release learn what is new, and weigh it against what it was.

    Both are judged on what happened after `cut.until`. The base is told of the items listed
    since, as a running service tells it: else a candidate would pass for knowing them alone.

    Args:
        releases: Where the release is; nothing is written.
        ref: What to continue from.
        cut: Of `dataset`.
        dataset: Everything, what is held out included.
        since: As in `Continuing.continue_fit`.
        config: Likewise.
        rule: What the gate asks.
        progress: Called while learning.

    Raises:
        UnsupportedError: The model must be trained anew.
        DataError: As in `Continuing.continue_fit`.
        ConfigError: Likewise.
        UnknownReleaseError: No such release.
        BundleError: Its bundle is damaged, or its nets cannot be read back.
    """
    base, learner = releases.load(ref), releases.load(ref)
    model = continuing(learner.model)
    if cut.shown is not None and isinstance(model, LearnsFromShown):
        model.with_shown(cut.shown)
    model.continue_fit(cut.dataset, since=since, config=config, progress=progress)
    version = releases.list(base.manifest.name)[-1].version + 1
    manifest = describe(model, cut.dataset, name=base.manifest.name, version=version)
    continuing(base.model).with_items(cut.dataset)
    verdict = weigh(LoadedRelease(manifest, model), base, dataset, rule=rule)
    return Further(base.ref, model, cut, verdict)
