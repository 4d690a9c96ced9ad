"""Comparing models: order, pairs, failures, and that nobody sees the test part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from palate.data.split import Split, Stratified
from palate.errors import ConfigError, DataError, PalateError
from palate.evaluate import Protocol, compare, judge

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

PROTOCOL = Protocol(k=3, rounds=100)


def test_best_first(kit: Kit) -> None:
    data = kit.crowd()
    models = {"worst": kit.model("unpopular"), "best": kit.model("popular")}
    comparison = compare(models, data, PROTOCOL)
    assert [row.name for row in comparison.rows] == ["best", "worst"]
    assert comparison.best.name == "best"
    pair = comparison.pair("worst", "best")
    assert pair is not None
    assert (pair.first, pair.second) == ("best", "worst")
    assert pair.difference.low > 0
    assert pair.p_value < 0.001


def test_equal_to_judging_alone(kit: Kit) -> None:
    data = kit.crowd()
    split = Stratified().split(data)
    comparison = compare({"m": kit.model("popular")}, split, PROTOCOL)
    alone = judge(kit.model("popular").fit(split.train), split.train, split.test, PROTOCOL)
    judgement = comparison.rows[0].judgement
    assert judgement is not None
    assert judgement.intervals == alone.intervals
    assert judgement.figures == alone.figures


def test_models_are_fitted_on_the_training_part_alone(kit: Kit) -> None:
    split = Stratified().split(kit.crowd())
    model = kit.model("popular")
    compare({"m": model}, split, PROTOCOL)
    assert model.seen_rows == [len(split.train)]


def test_models_may_be_judged_as_they_are(kit: Kit) -> None:
    split = Stratified().split(kit.crowd())
    model = kit.model("popular").fit(split.train)
    comparison = compare({"m": model}, split, PROTOCOL, refit=False)
    assert model.seen_rows == [len(split.train)]  # by the fit above, not by another
    assert comparison.rows[0].fit_s is None
    again = compare({"m": kit.model("popular")}, split, PROTOCOL)
    assert comparison.judged[0][1].intervals == again.judged[0][1].intervals


def test_a_dataset_is_cut_as_the_protocol_says(kit: Kit) -> None:
    data = kit.crowd()
    comparison = compare({"m": kit.model("popular")}, data, PROTOCOL)
    split = Stratified().split(data)
    assert comparison.data.train_rows == len(split.train)
    assert comparison.data.test_rows == len(split.test)
    given = compare({"m": kit.model("popular")}, split, PROTOCOL)
    assert given.data.checksum == comparison.data.checksum
    assert given.protocol.split is None  # the record says that the caller cut
    assert given.protocol.hash != comparison.protocol.hash


def test_all_models_tied(kit: Kit) -> None:
    """Equal models keep the order given; no difference is p = 1 with an interval of zero."""
    names = ["b", "a", "c"]
    comparison = compare({name: kit.model("popular") for name in names}, kit.crowd(), PROTOCOL)
    assert [row.name for row in comparison.rows] == names
    for pair in comparison.pairs:
        assert pair.p_value == 1.0
        assert (pair.difference.low, pair.difference.high) == (0.0, 0.0)


def test_holm_covers_all_pairs(kit: Kit) -> None:
    models = {"p": kit.model("popular"), "u": kit.model("unpopular"), "t": kit.model()}
    comparison = compare(models, kit.crowd(), PROTOCOL)
    assert len(comparison.pairs) == 3
    raw = compare({"p": kit.model("popular"), "u": kit.model("unpopular")}, kit.crowd(), PROTOCOL)
    three, one = comparison.pair("p", "u"), raw.pair("p", "u")
    assert three is not None
    assert one is not None
    assert three.p_value == pytest.approx(min(1.0, 3 * one.p_value))  # the smallest of three


@pytest.mark.parametrize("mode", ["raise", "malformed", "outside"])
def test_a_model_that_fails_is_a_row(kit: Kit, mode: str) -> None:
    models = {"bad": kit.model(mode), "good": kit.model("popular")}
    comparison = compare(models, kit.crowd(), PROTOCOL)
    assert [row.name for row in comparison.rows] == ["good", "bad"]
    bad = comparison.row("bad")
    assert bad.judgement is None
    assert bad.error
    assert "bad" not in comparison.fitted
    assert comparison.pairs == ()
    if mode == "raise":
        assert bad.error == "ZeroDivisionError: nothing to divide by"
        assert bad.fit_s is None
    else:
        assert bad.fit_s is not None


def test_every_model_fails(kit: Kit) -> None:
    comparison = compare({"bad": kit.model("raise")}, kit.crowd(), PROTOCOL)
    with pytest.raises(PalateError, match="bad: ZeroDivisionError"):
        _ = comparison.best


def test_an_interrupt_is_not_a_failure(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    model = kit.model("popular")
    monkeypatch.setattr(type(model), "score_histories", interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare({"m": model}, kit.crowd(), PROTOCOL)


def test_duplicate_model_names(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="two models are called scripted"):
        compare([kit.model(), kit.model("popular")], kit.crowd(), PROTOCOL)


def test_one_object_under_two_names(kit: Kit) -> None:
    model = kit.model()
    with pytest.raises(ConfigError, match="two names"):
        compare({"a": model, "b": model}, kit.crowd(), PROTOCOL)


def test_a_sequence_goes_by_registered_names(kit: Kit) -> None:
    comparison = compare([kit.model(), kit.rater()], kit.crowd(), PROTOCOL)
    assert {row.name for row in comparison.rows} == {"scripted", "rater"}


def test_no_models(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="no model"):
        compare({}, kit.crowd(), PROTOCOL)


def test_a_dataset_without_a_way_to_cut_it(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="how to split"):
        compare([kit.model()], kit.crowd(), Protocol(split=None))


def test_parts_of_different_vocabularies_are_refused(kit: Kit) -> None:
    split = Split(kit.dataset([("u", "a")]), kit.dataset([("u", "b")]))
    with pytest.raises(DataError, match="number their items differently"):
        compare([kit.model()], split, PROTOCOL)


def test_nothing_relevant_is_nobodys_failure(kit: Kit) -> None:
    with pytest.raises(DataError, match="nothing is relevant"):
        compare([kit.model()], kit.crowd(), Protocol(min_value=100))


def test_same_seed_same_figures(kit: Kit) -> None:
    data = kit.crowd()
    first, second = (compare([kit.model("popular")], data, PROTOCOL) for _ in range(2))
    assert first.rows[0].judgement is not None
    assert second.rows[0].judgement is not None
    assert first.rows[0].judgement.intervals == second.rows[0].judgement.intervals


def test_background_is_what_it_says(kit: Kit, hand: Split, two: Protocol) -> None:
    background = compare([kit.model()], hand, two).background
    assert background.activity.tolist() == [2, 2, 0]  # u1, u2 and the unknown u4
    assert background.train_counts.tolist() == [3, 1, 1, 0, 0, 0]
    assert background.test_counts.tolist() == [0, 1, 1, 1, 1, 0]


def test_costs_and_progress(kit: Kit) -> None:
    told: list[tuple[int, int, str]] = []
    comparison = compare(
        {"m": kit.model("popular")},
        kit.crowd(),
        PROTOCOL,
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    row = comparison.rows[0]
    assert row.fit_s is not None
    assert row.fit_s >= 0
    assert row.memory_mib is None or row.memory_mib >= 0
    assert told[0] == (0, 1, "m")
    assert told[-1][:2] == (1, 1)


def test_unknown_row_and_pair(kit: Kit) -> None:
    comparison = compare([kit.model()], kit.crowd(), PROTOCOL)
    assert comparison.pair("scripted", "scripted") is None
    with pytest.raises(DataError, match="no row"):
        comparison.row("nobody")


def test_figures_are_finite(kit: Kit) -> None:
    comparison = compare([kit.model("unscored")], kit.crowd(), PROTOCOL)
    judgement = comparison.rows[0].judgement
    assert judgement is not None
    assert np.isfinite(list(judgement.figures.values())).all()
