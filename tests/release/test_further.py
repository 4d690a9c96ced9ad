"""A release that learns on, with a model that counts: what it learned can be told to the event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import pytest

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError, ReleaseError, UnsupportedError
from palate.models import artefact
from palate.models.config import ModelConfig
from palate.models.continuing import Continuing
from palate.models.popular import Popular
from palate.release.further import Cut, cut_new, ended, go_on
from palate.release.registry import Releases
from palate.release.verdict import Decision, GateRule
from palate.types import FloatArray, Progress

DAY_1 = datetime(2024, 5, 1, tzinfo=UTC)
ITEMS = ("known", "new", "other")
USERS = 40
RULE = GateRule(metric="hit_rate@1", min_users=10, rounds=200)


class CountingConfig(ModelConfig):
    """What becomes of the scores when it continues."""

    fault: str = ""  # "nan" or "same" spoils them


class Counting(Continuing[CountingConfig]):
    """Scores items by the events that it learned from; what is new is all that counts later."""

    name: ClassVar[str] = "counting"
    Config: ClassVar[type[ModelConfig]] = CountingConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        self.scores = np.bincount(dataset.item_rows, minlength=dataset.n_items).astype(np.float32)

    def continue_fit(
        self,
        dataset: Dataset,
        *,
        since: datetime,
        config: CountingConfig | None = None,
        progress: Progress | None = None,
    ) -> Self:
        self.config = self.config if config is None else config
        late = dataset.interactions.filter(pl.col(c.TIMESTAMP) > since)
        self.fit(dataset.with_interactions(late))
        if self.config.fault:
            self.scores[:] = np.nan if self.config.fault == "nan" else 1
        return self

    def with_items(self, dataset: Dataset) -> Self:
        at = self.vocabulary.rows(dataset.item_vocabulary.ids)
        self.scores = np.where(at >= 0, self.scores[at], 0).astype(np.float32)
        self._popularity = np.zeros(dataset.n_items, np.float32)
        self._vocabulary = dataset.item_vocabulary
        return self

    def score_histories(self, histories: Histories) -> FloatArray:
        return np.tile(self.scores, (histories.n_users, 1))

    def _state(self) -> dict[str, np.ndarray]:
        return {"scores": self.scores}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self.scores = state["scores"]


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch, _registered: None) -> None:
    """What is saved as `counting` is loaded as `Counting`."""
    known = {"counting": Counting, "popular": Popular}
    monkeypatch.setattr(artefact, "model_class", known.__getitem__)


def day(number: float) -> datetime:
    return DAY_1 + timedelta(days=number - 1)


def views(users: range, item: str, when: float | None) -> pl.DataFrame:
    at = pl.Series(
        [None if when is None else day(when)] * len(users), dtype=pl.Datetime("us", "UTC")
    )
    return pl.DataFrame({"user_id": [f"u{n:03}" for n in users], "item_id": item, "timestamp": at})


def dataset_of(*parts: pl.DataFrame, items: tuple[str, ...] = ITEMS) -> Dataset:
    return Dataset.from_frames(pl.concat(parts), items=pl.DataFrame({"item_id": items}))


EVERYBODY, SOME, REST = range(USERS), range(25), range(25, USERS)
PAST = [views(EVERYBODY, "known", 1), views(range(2), "other", 2)]


@pytest.fixture
def past() -> Dataset:
    return dataset_of(*PAST)


@pytest.fixture
def now() -> Dataset:
    """25 take to `new` on day 5, the other 15 on day 6."""
    return dataset_of(*PAST, views(SOME, "new", 5), views(REST, "new", 6))


@pytest.fixture
def base(releases: Releases, past: Dataset) -> str:
    release = releases.create(Counting().fit(past), name="movies", dataset=past)
    releases.promote(release.ref, by="ann", reason="first")
    return release.ref


def cut_of(dataset: Dataset, *, since: float, last: float = 2, share: float = 0.3) -> Cut | None:
    return cut_new(dataset, since=day(since), last=day(last), share=share)


def test_the_newest_share_is_held_out(now: Dataset) -> None:
    cut = cut_of(now, since=2)
    assert cut is not None
    assert (cut.new, cut.held, cut.until) == (25, 15, day(5))  # ties stay on one side
    assert len(cut.dataset) == len(now) - 15
    assert cut.dataset.item_vocabulary == now.item_vocabulary


def test_what_the_base_knows_may_be_learned_again_but_never_judges() -> None:
    later = dataset_of(*PAST, views(SOME, "new", 5), views(REST, "new", 6), views(SOME, "other", 7))
    cut = cut_of(later, since=0.5, last=5)
    assert cut is not None
    assert cut.until == day(6)
    assert cut.new == len(later) - cut.held


def test_nothing_new_is_no_cut(now: Dataset, past: Dataset) -> None:
    assert cut_of(past, since=2) is None
    assert cut_of(now, since=6) is None
    assert cut_of(now, since=1, last=6) is None


def test_events_without_a_time_are_old() -> None:
    cut = cut_of(
        dataset_of(*PAST, views(SOME, "new", None), views(SOME, "new", 5), views(REST, "new", 6)),
        since=2,
    )
    assert cut is not None
    assert (cut.new, cut.held) == (25, 15)
    assert cut.dataset.interactions[c.TIMESTAMP].null_count() == 25


def test_one_moment_cannot_be_cut() -> None:
    with pytest.raises(DataError, match="all 40 new events are of one moment"):
        cut_of(dataset_of(*PAST, views(EVERYBODY, "new", 5)), since=2)


def test_two_moments_are_one_each(now: Dataset) -> None:
    for share in (0.001, 0.5, 0.999):
        cut = cut_of(now, since=2, share=share)
        assert cut is not None
        assert (cut.new, cut.held) == (25, 15)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_an_impossible_share_is_refused(now: Dataset, share: float) -> None:
    with pytest.raises(DataError, match="share that judges"):
        cut_of(now, since=2, share=share)


def test_it_learns_what_is_new_and_is_judged_on_what_came_later(
    releases: Releases, base: str, now: Dataset
) -> None:
    cut = cut_of(now, since=2)
    assert cut is not None
    found = go_on(releases, "stable", cut, now, since=day(2), rule=RULE)
    assert found.base == base
    assert found.model.score_histories(cut.dataset.histories)[0].tolist() == [0, 25, 0]
    verdict = found.verdict
    assert verdict.passed, verdict.reason
    assert (verdict.candidate, verdict.stable) == ("movies:2", "movies:1")
    assert (verdict.window_from, verdict.window_to) == (day(5), day(6))
    assert verdict.users == 15
    assert verdict.candidate_metric is not None
    assert verdict.candidate_metric.estimate == 1.0
    # Nothing is written.
    assert [release.ref for release in releases.list()] == [base]
    assert releases.aliases() == {"stable": base}


def test_what_was_shown_up_to_the_cut_is_told_to_the_learner_alone(
    releases: Releases, base: str, now: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = now.interactions[c.TIMESTAMP]
    shown = pl.DataFrame({c.ITEM_ID: ["early", "late"], c.TIMESTAMP: [times.min(), times.max()]})
    assert cut_new(now, since=day(2), last=day(2), share=0.5).shown is None  # type: ignore[union-attr]
    cut = cut_new(now, since=day(2), last=day(2), share=0.5, shown=shown)
    assert cut is not None
    go_on(releases, base, cut, now, since=day(2), rule=RULE)  # it does not learn from that
    told: list[list[str]] = []
    monkeypatch.setattr(
        Counting,
        "with_shown",
        lambda _, frame: told.append(frame[c.ITEM_ID].to_list()),
        raising=False,
    )
    go_on(releases, base, cut, now, since=day(2), rule=RULE)
    assert told == [["early"]]


def test_the_base_knows_the_items_listed_since(releases: Releases) -> None:
    """Told of `new`, it ranks it third; told nothing it could not rank it at all."""
    past = dataset_of(*PAST, items=("known", "other"))
    release = releases.create(Counting().fit(past), name="movies", dataset=past)
    now = dataset_of(*PAST, views(SOME, "new", 5), views(REST, "new", 6))
    cut = cut_of(now, since=2)
    assert cut is not None
    rule = RULE.model_copy(update={"metric": "hit_rate@3"})
    verdict = go_on(releases, release.ref, cut, now, since=day(2), rule=rule).verdict
    assert verdict.stable_metric is not None
    assert verdict.stable_metric.estimate == 1.0


@pytest.mark.parametrize(("fault", "said"), [("nan", "NaN scores"), ("same", "all items alike")])
def test_a_model_that_went_wrong_is_refused(
    releases: Releases, base: str, now: Dataset, fault: str, said: str
) -> None:
    cut = cut_of(now, since=2)
    assert cut is not None
    config = CountingConfig(fault=fault)
    found = go_on(releases, base, cut, now, since=day(2), config=config, rule=RULE)
    assert found.verdict.decision is Decision.REFUSED
    assert said in found.verdict.reason


def test_one_that_got_worse_fails(releases: Releases, base: str) -> None:
    """What came last is what the base would have shown, not what was new in between."""
    new = [views(SOME, "new", 5), views(range(2, USERS), "other", 6)]
    now = dataset_of(*PAST, *new)
    cut = cut_of(now, since=2)
    assert cut is not None
    verdict = go_on(releases, base, cut, now, since=day(2), rule=RULE).verdict
    assert verdict.decision is Decision.FAIL


def test_a_model_that_cannot_continue_is_named(
    releases: Releases, past: Dataset, now: Dataset
) -> None:
    ref = releases.create(Popular().fit(past), name="top", dataset=past).ref
    cut = cut_of(now, since=2)
    assert cut is not None
    with pytest.raises(UnsupportedError, match="popular cannot continue"):
        go_on(releases, ref, cut, now, since=day(2))


def test_a_release_without_times_has_no_end(releases: Releases) -> None:
    timeless = Dataset.from_frames(pl.DataFrame({"user_id": ["u"], "item_id": ["known"]}))
    release = releases.create(Counting().fit(timeless), name="movies", dataset=timeless)
    with pytest.raises(ReleaseError, match="events without times"):
        ended(releases.load(release.ref))


def test_a_release_says_what_it_continued_from(
    releases: Releases, base: str, past: Dataset
) -> None:
    model: Any = Counting().fit(past)
    release = releases.create(model, name="movies", dataset=past, continued_from=base)
    assert releases.resolve(release.ref).manifest.continued_from == "movies:1"
    assert releases.resolve(base).manifest.continued_from is None
