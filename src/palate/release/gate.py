"""The gate: is a candidate good enough to take the place of what is served now?"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import numpy as np

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.metrics.ranking import Ranking
from palate.metrics.registry import RANKING, parse
from palate.release.bundle import LoadedRelease
from palate.release.manifest import Metric
from palate.release.registry import STABLE, Releases
from palate.release.verdict import Decision, GateRule, Verdict
from palate.release.window import Window, cut_window, histories_for, rank
from palate.stats.bootstrap import bootstrap_difference, bootstrap_mean
from palate.stats.interval import Interval
from palate.types import Float64Array

__all__ = ["gate", "weigh"]

SAMPLE_USERS: Final = 1000  # at least so many, if there are, have their scores looked at
CHUNK_CELLS: Final = 1 << 22  # scores held at once: 16 MB of float32


@runtime_checkable
class _Inspected(Protocol):
    """A model with parts that its scores do not show."""

    def fault(self, histories: Histories) -> str | None:
        """What is wrong with their answers for these users; None for nothing."""
        ...


def gate(
    releases: Releases,
    ref: str,
    dataset: Dataset,
    *,
    alias: str = STABLE,
    start: datetime | None = None,
    rule: GateRule | None = None,
) -> Verdict:
    """Weigh a release against what `alias` names now; nothing is promoted.

    Args:
        releases: Where both are.
        ref: The candidate.
        dataset: All events up to now.
        alias: What it would replace; a first release has nothing to replace.
        start: As in `weigh`.
        rule: What is asked.

    Raises:
        UnknownReleaseError: No such candidate.
        BundleError: One of the two is damaged.
    """
    candidate = releases.load(ref)
    named = releases.aliases().get(alias)
    if named == candidate.ref:
        return _refuse(f"{alias} names {named} already", candidate, None, rule or GateRule())
    stable = None if named is None else releases.load(named)
    return weigh(candidate, stable, dataset, start=start, rule=rule)


def weigh(
    candidate: LoadedRelease,
    stable: LoadedRelease | None,
    dataset: Dataset,
    *,
    start: datetime | None = None,
    rule: GateRule | None = None,
) -> Verdict:
    """Judge two releases by what users did after both were trained, paired by user.

    Each user's earlier events are given to both models as they would be when served; what
    the user then did in the window is the truth. The candidate passes if the bootstrap
    interval of the mean difference lies above the bound of the rule.

    Args:
        candidate: What may be promoted.
        stable: What is served now; None for a first release, which passes with a note.
        dataset: All events, those that the models learned from included.
        start: The window's beginning, excluded; the end of the newer model's data by default.
        rule: What is asked.
    """
    rule = rule if rule is not None else GateRule()
    if stable is None:
        return _first(candidate, dataset, rule)
    ends = {r.ref: r.manifest.data.window_to for r in (candidate, stable)}
    timeless = [ref for ref, end in ends.items() if end is None]
    if timeless:
        reason = f"{', '.join(timeless)} learned from events without times, so no window is later"
        return _refuse(reason, candidate, stable, rule)
    ref, newest = max(((r, e) for r, e in ends.items() if e is not None), key=lambda pair: pair[1])
    if start is not None and start < newest:
        reason = f"the window from {start} overlaps the data of {ref}, which end at {newest}"
        return _refuse(reason, candidate, stable, rule)
    begin = newest if start is None else start
    window = cut_window(dataset, begin, exclude_seen=rule.exclude_seen, min_value=rule.min_value)
    if len(window.users) < rule.min_users:
        reason = (
            f"{len(window.users)} users did something new after {begin}; "
            f"{rule.min_users} are needed to decide"
        )
        return _refuse(reason, candidate, stable, rule)
    return _compare(candidate, stable, window, rule)


def _compare(
    candidate: LoadedRelease, stable: LoadedRelease, window: Window, rule: GateRule
) -> Verdict:
    values: list[Float64Array] = []
    for release in (candidate, stable):
        histories = histories_for(release, window.dataset, window.users)
        fault = _fault(release, histories)
        if fault is not None:
            return _refuse(fault, candidate, stable, rule)
        values.append(_per_user(release, window, histories, rule))
    ours, theirs = values
    difference = bootstrap_difference(
        ours, theirs, rounds=rule.rounds, level=rule.level, seed=rule.seed
    )
    own, other = (
        bootstrap_mean(v, rounds=rule.rounds, level=rule.level, seed=rule.seed) for v in values
    )
    decision, reason = _decide(difference, other.estimate, rule)
    return Verdict(
        decision=decision,
        reason=reason,
        candidate=candidate.ref,
        stable=stable.ref,
        rule=rule,
        users=len(window.users),
        window_from=window.start,
        window_to=window.end,
        candidate_metric=Metric.model_validate(own),
        stable_metric=Metric.model_validate(other),
        difference=Metric.model_validate(difference),
    )


def _first(candidate: LoadedRelease, dataset: Dataset, rule: GateRule) -> Verdict:
    """Nothing is served yet: the scores alone are looked at."""
    everyone = Vocabulary.sorted(dataset.interactions[c.USER_ID].unique())
    fault = _fault(candidate, histories_for(candidate, dataset, everyone))
    if fault is not None:
        return _refuse(fault, candidate, None, rule)
    return Verdict(
        decision=Decision.PASS,
        reason="nothing is served yet, so there is nothing to compare with",
        candidate=candidate.ref,
        stable=None,
        rule=rule,
    )


def _fault(release: LoadedRelease, histories: Histories) -> str | None:
    """What is wrong with the scores of a sample of users with usable events, if anything.

    A model that scores all items alike for everybody has learned nothing, yet slates by the
    order of ids can look good by accident.
    """
    known = np.flatnonzero(np.diff(histories.indptr))
    sample = known[:: max(1, len(known) // SAMPLE_USERS)]
    nan, constant = 0, 0
    step = max(1, CHUNK_CELLS // max(1, histories.n_items))
    for start in range(0, len(sample), step):
        scores = release.model.score_histories(histories.select(sample[start : start + step]))
        nan += int(np.isnan(scores).any(axis=1).sum())
        constant += int((scores == scores[:, :1]).all(axis=1).sum())
    if nan:
        return f"{release.ref} gives NaN scores to {nan} of {len(sample)} users"
    if len(sample) and constant == len(sample) and histories.n_items > 1:
        return f"{release.ref} scores all items alike for each of {len(sample)} users"
    if isinstance(release.model, _Inspected):
        fault = release.model.fault(histories.select(sample))
        return None if fault is None else f"{release.ref}: {fault}"
    return None


def _per_user(
    release: LoadedRelease, window: Window, histories: Histories, rule: GateRule
) -> Float64Array:
    """(n_users,) float64, the rule's metric."""
    asked = parse(rule.metric)
    k = asked.k if asked.k is not None else 10
    slates = rank(release, window, histories, k, exclude_seen=rule.exclude_seen)
    return RANKING[asked.metric.name].function(Ranking(slates, window.relevant), k)


def _decide(difference: Interval, stable_mean: float, rule: GateRule) -> tuple[Decision, str]:
    low, high = difference.low, difference.high
    better = rule.require == "better"
    bound = 0.0 if better else -rule.tolerance * stable_mean
    asked = "better" if better else f"at most {rule.tolerance:.1%} worse"
    said = f"{rule.metric} {difference.estimate:+.4f} [{low:+.4f}, {high:+.4f}] against stable"
    if low > bound or (low == bound and not better):
        return Decision.PASS, f"{said}: {asked}"
    if high < bound:
        return Decision.FAIL, f"{said}: not {asked}"
    return Decision.FAIL, f"{said}: not shown to be {asked}; more users would narrow the interval"


def _refuse(
    reason: str, candidate: LoadedRelease, stable: LoadedRelease | None, rule: GateRule
) -> Verdict:
    return Verdict(
        decision=Decision.REFUSED,
        reason=reason,
        candidate=candidate.ref,
        stable=None if stable is None else stable.ref,
        rule=rule,
    )
