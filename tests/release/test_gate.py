"""The gate, on users whose later deeds are known: all of them come to like item `new`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from palate.config import EventType, Schema
from palate.data.dataset import Dataset
from palate.errors import ConfigError
from palate.models.base import Recommender
from palate.release.gate import gate, weigh
from palate.release.registry import Releases
from palate.release.verdict import Decision, GateRule

DAY_1 = datetime(2024, 5, 1, tzinfo=UTC)
USERS = 40
RULE = GateRule(metric="hit_rate@1", min_users=10, rounds=200)
ITEMS = ("known", "new", "other")  # in the order of rows
MakeModel = Callable[..., Recommender[Any]]


def day(number: float) -> datetime:
    return DAY_1 + timedelta(days=number - 1)


def rows(users: range, item: str, when: float, event: str = "click") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": [f"u{n:03}" for n in users],
            "item_id": item,
            "event": event,
            "value": pl.Series([None] * len(users), dtype=pl.Float64),
            "timestamp": day(when),
        }
    )


def dataset_of(*parts: pl.DataFrame, schema: Schema | None = None) -> Dataset:
    return Dataset.from_frames(
        pl.concat(parts), items=pl.DataFrame({"item_id": ITEMS}), schema=schema
    )


@pytest.fixture
def past() -> Dataset:
    """What both models learned from: everybody knew `known` by day 3."""
    return dataset_of(rows(range(USERS), "known", 1), rows(range(1), "other", 3))


@pytest.fixture
def now(past: Dataset) -> Dataset:
    """Then, on day 5, everybody took to `new`."""
    return dataset_of(past.interactions, rows(range(USERS), "new", 5))


@pytest.fixture
def release(releases: Releases, make_model: MakeModel, past: Dataset) -> Callable[..., str]:
    """`release(known=…, new=…, other=…)`: a release with these scores, trained on `past`."""

    def make(*, data: Dataset = past, **scores: float) -> str:
        config = {"nan": scores.pop("nan", False), "scores": [scores.get(i, 0.0) for i in ITEMS]}
        model = type(make_model())(type(make_model()).Config(**config)).fit(data)
        return releases.create(model, name="movies", dataset=data).ref

    return make


@pytest.fixture
def stable_and(
    releases: Releases, release: Callable[..., str]
) -> Callable[[dict[str, float], dict[str, float]], str]:
    def make(stable: dict[str, float], candidate: dict[str, float]) -> str:
        releases.promote(release(**stable), by="ann", reason="first")
        return release(**candidate)

    return make


Pair = Callable[[dict[str, float], dict[str, float]], str]


def test_a_better_candidate_passes(stable_and: Pair, releases: Releases, now: Dataset) -> None:
    ref = stable_and({"other": 1}, {"new": 1})
    verdict = gate(releases, ref, now, rule=RULE)
    assert verdict.passed
    assert (verdict.candidate, verdict.stable) == ("movies:2", "movies:1")
    assert verdict.candidate_metric is not None
    assert verdict.stable_metric is not None
    assert verdict.difference is not None
    # u000 knows `other`, so it is shown neither `known` nor `other`, and `new` by both.
    assert verdict.users == USERS
    assert verdict.candidate_metric.estimate == 1.0
    assert verdict.stable_metric.estimate == pytest.approx(1 / USERS)
    assert verdict.difference.estimate == pytest.approx(1 - 1 / USERS)
    assert (verdict.window_from, verdict.window_to) == (day(3), day(5))
    assert releases.aliases() == {"stable": "movies:1"}  # the gate promotes nothing


def test_a_worse_candidate_fails(stable_and: Pair, releases: Releases, now: Dataset) -> None:
    verdict = gate(releases, stable_and({"new": 1}, {"other": 1}), now, rule=RULE)
    assert verdict.decision is Decision.FAIL
    assert "not at most 5.0% worse" in verdict.reason
    assert verdict.difference is not None
    assert verdict.difference.high is not None
    assert verdict.difference.high < 0


def test_an_equal_candidate_is_not_worse_but_is_not_better(
    stable_and: Pair, releases: Releases, now: Dataset
) -> None:
    ref = stable_and({"new": 1}, {"new": 2})
    assert gate(releases, ref, now, rule=RULE).passed
    strict = RULE.model_copy(update={"tolerance": 0.0})
    assert gate(releases, ref, now, rule=strict).passed
    better = RULE.model_copy(update={"require": "better"})
    verdict = gate(releases, ref, now, rule=better)
    assert verdict.decision is Decision.FAIL
    assert "not shown to be better" in verdict.reason


def test_a_small_loss_passes_within_the_tolerance_alone(
    releases: Releases, release: Callable[..., str]
) -> None:
    # The last user knows `new` and comes to like `known`; the candidate shows `other` instead.
    most, last = range(USERS - 1), range(USERS - 1, USERS)
    past = dataset_of(rows(most, "known", 1), rows(last, "new", 1))
    now = dataset_of(past.interactions, rows(most, "new", 5), rows(last, "known", 5))
    releases.promote(release(data=past, new=3, known=2, other=1), by="ann", reason="first")
    ref = release(data=past, new=3, known=1, other=2)
    wide = RULE.model_copy(update={"tolerance": 0.2})
    verdict = gate(releases, ref, now, rule=wide)
    assert verdict.passed
    assert verdict.difference is not None
    assert verdict.difference.estimate == pytest.approx(-1 / USERS)
    narrow = RULE.model_copy(update={"tolerance": 0.03})  # the mean is within, the interval is not
    verdict = gate(releases, ref, now, rule=narrow)
    assert verdict.decision is Decision.FAIL
    assert "not shown to be at most 3.0% worse" in verdict.reason


def test_an_overlapping_window_is_refused(
    stable_and: Pair, releases: Releases, now: Dataset
) -> None:
    ref = stable_and({"other": 1}, {"new": 1})
    verdict = gate(releases, ref, now, start=day(2), rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert "overlaps the data of movies" in verdict.reason
    assert gate(releases, ref, now, start=day(3), rule=RULE).passed  # its end is its end


def test_the_window_starts_after_the_newer_of_both_models(
    releases: Releases, release: Callable[..., str], now: Dataset
) -> None:
    releases.promote(release(other=1), by="ann", reason="first")
    ref = release(data=now, new=1)  # has seen day 5
    verdict = gate(releases, ref, now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert "0 users did something new" in verdict.reason


def test_too_few_users_are_refused(stable_and: Pair, releases: Releases, now: Dataset) -> None:
    rule = RULE.model_copy(update={"min_users": USERS + 1})
    verdict = gate(releases, stable_and({"other": 1}, {"new": 1}), now, rule=rule)
    assert verdict.decision is Decision.REFUSED
    assert verdict.reason.startswith(f"{USERS} users did something new")


def test_nan_scores_are_refused(stable_and: Pair, releases: Releases, now: Dataset) -> None:
    verdict = gate(releases, stable_and({"new": 1}, {"new": 1, "nan": True}), now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert verdict.reason == f"movies:2 gives NaN scores to {USERS} of {USERS} users"


def test_constant_scores_are_refused(stable_and: Pair, releases: Releases, now: Dataset) -> None:
    constant = {"known": 1.0, "new": 1.0, "other": 1.0}
    verdict = gate(releases, stable_and({"other": 1}, constant), now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert "movies:2 scores all items alike" in verdict.reason


def test_a_first_release_passes_with_a_note(
    releases: Releases, release: Callable[..., str], past: Dataset
) -> None:
    verdict = gate(releases, release(new=1), past, rule=RULE)
    assert verdict.passed
    assert verdict.stable is None
    assert "nothing to compare with" in verdict.reason


@pytest.mark.parametrize("scores", [{"nan": True}, {"known": 1, "new": 1, "other": 1}])
def test_a_first_release_with_unusable_scores_is_refused(
    releases: Releases, release: Callable[..., str], past: Dataset, scores: dict[str, float]
) -> None:
    assert gate(releases, release(**scores), past).decision is Decision.REFUSED


def test_what_is_served_already_is_not_judged_against_itself(
    releases: Releases, release: Callable[..., str], now: Dataset
) -> None:
    releases.promote(release(new=1), by="ann", reason="first")
    verdict = gate(releases, "stable", now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert verdict.reason == "stable names movies:1 already"


def test_a_model_without_times_is_refused(
    releases: Releases, release: Callable[..., str], past: Dataset, now: Dataset
) -> None:
    timeless = past.with_interactions(
        past.interactions.with_columns(timestamp=pl.lit(None, past.interactions["timestamp"].dtype))
    )
    releases.promote(release(data=timeless, other=1), by="ann", reason="first")
    verdict = gate(releases, release(new=1), now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert "movies:1 learned from events without times" in verdict.reason


def test_items_that_neither_model_knows_count_as_misses(
    stable_and: Pair, releases: Releases, past: Dataset
) -> None:
    now = dataset_of(past.interactions, rows(range(USERS), "unheard of", 5))
    verdict = gate(releases, stable_and({"other": 1}, {"new": 1}), now, rule=RULE)
    assert verdict.candidate_metric is not None
    assert verdict.candidate_metric.estimate == 0.0
    assert verdict.users == USERS


def test_users_whom_neither_model_knows_are_judged_too(
    stable_and: Pair, releases: Releases, past: Dataset
) -> None:
    now = dataset_of(past.interactions, rows(range(500, 520), "known", 5))
    verdict = gate(releases, stable_and({"other": 1}, {"new": 1}), now, rule=RULE)
    assert verdict.users == 20
    assert verdict.candidate_metric is not None
    assert verdict.candidate_metric.estimate == 1.0  # popular is what is left, and it is `known`


def test_dislikes_and_items_seen_before_are_not_what_users_wanted(
    stable_and: Pair, releases: Releases, past: Dataset
) -> None:
    schema = Schema(events={"click": EventType(), "hide": EventType(weight=-1)})
    now = dataset_of(
        past.interactions,
        rows(range(20), "new", 5, event="hide"),
        rows(range(20), "known", 5),
        rows(range(20, 40), "new", 5),
        schema=schema,
    )
    ref = stable_and({"other": 1}, {"new": 1})
    assert gate(releases, ref, now, rule=RULE).users == 20
    again = RULE.model_copy(update={"exclude_seen": False})
    assert gate(releases, ref, now, rule=again).users == 40


def test_both_are_judged_on_the_same_users_whatever_order_they_come_in(
    stable_and: Pair, releases: Releases, now: Dataset
) -> None:
    ref = stable_and({"other": 1}, {"new": 1})
    shuffled = now.with_interactions(now.interactions.sample(fraction=1, shuffle=True, seed=1))
    candidate, stable = releases.load(ref), releases.load("stable")
    one = weigh(candidate, stable, now, rule=RULE)
    two = weigh(candidate, stable, shuffled, rule=RULE)
    assert one == two


@pytest.mark.parametrize("metric", ["rmse", "gini@10"])
def test_a_metric_without_a_value_for_each_user_is_refused(metric: str) -> None:
    with pytest.raises(ValidationError, match="gives no value for each user"):
        GateRule(metric=metric)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ConfigError, match="no metric is called 'nonsense'"):
        GateRule(metric="nonsense@10")
