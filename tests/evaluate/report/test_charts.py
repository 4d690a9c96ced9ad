"""What the charts are drawn from: bins, groups, frontier, matrix, bars, sentences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluate import Pair, Protocol, compare
from palate.evaluate.report.activity import activity_bins, activity_charts, activity_curve
from palate.evaluate.report.bars import interval_bars
from palate.evaluate.report.cost import CostPoint, cost_chart, frontier
from palate.evaluate.report.differences import difference_matrix
from palate.evaluate.report.popularity import group_shares, popularity_groups, share_by_group
from palate.evaluate.report.verdict import summary, verdict
from palate.stats import Interval

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit


def about(value: float) -> Interval:
    return Interval(value, value - 0.01, value + 0.01, 0.95)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 8))
def test_every_user_is_in_one_bin(counts: list[int], most: int) -> None:
    activity = np.array(counts, np.int64)
    bins = activity_bins(activity, most=most)
    assert len(bins) <= most
    assert (np.sum([b.members for b in bins], axis=0) == 1).all()
    for each in bins:
        assert each.low == activity[each.members].min()
        assert each.high == activity[each.members].max()
    assert all(a.high < b.low for a, b in pairwise(bins))


def test_bins_are_about_equally_full() -> None:
    bins = activity_bins(np.arange(100, dtype=np.int64), most=5)
    assert all(18 <= b.members.sum() <= 22 for b in bins)


def test_bins_of_users_who_are_all_alike() -> None:
    bins = activity_bins(np.full(7, 3, np.int64))
    assert [(b.low, b.high) for b in bins] == [(3, 3)]
    assert activity_bins(np.empty(0, np.int64)) == []


def test_a_curve_skips_users_outside_the_average() -> None:
    bins = activity_bins(np.array([1, 1, 9, 9], np.int64), most=2)
    values = np.array([0.2, 0.4, np.nan, np.nan])
    curve = activity_curve(values, bins, level=0.95, rounds=20, seed=0)
    assert curve[0] is not None
    assert curve[0].estimate == pytest.approx(0.3)
    assert curve[1] is None
    drawn = activity_charts({"m": curve}, [b.label for b in bins], "NDCG@2")
    assert "1: 0.300" in drawn[0][1]


def test_popularity_groups_hold_equal_parts_of_training() -> None:
    counts = np.repeat(np.array([100, 10, 1], np.int64), [10, 100, 1000])  # 1000 of each
    groups = popularity_groups(counts)
    shares = group_shares(counts, groups)
    assert shares.sum() == pytest.approx(1.0)
    assert np.abs(shares - 0.1).max() < 0.04
    assert (np.diff(groups) >= 0).all()  # never a more popular item in a later group
    assert np.bincount(groups)[0] < 5


def test_items_nobody_touched_are_the_long_tail() -> None:
    groups = popularity_groups(np.array([0, 5, 0], np.int64))
    assert groups[0] == groups[2] == 9
    assert popularity_groups(np.zeros(3, np.int64)).tolist() == [9, 9, 9]


def test_empty_places_have_no_share() -> None:
    groups = np.array([0, 9], np.int64)
    lists = np.array([[0, -1], [0, 1]], np.int32)
    shares = share_by_group(lists, groups)
    assert shares[0] == pytest.approx(2 / 3)
    assert shares[9] == pytest.approx(1 / 3)
    assert share_by_group(np.full((2, 2), -1, np.int32), groups).tolist() == [0.0] * 10


def test_the_frontier_is_what_nothing_beats() -> None:
    cheap = CostPoint("cheap", 0.1, about(0.2))
    good = CostPoint("good", 1.0, about(0.5))
    beaten = CostPoint("beaten", 1.0, about(0.4))
    dear = CostPoint("dear", 9.0, about(0.5))
    assert frontier([dear, beaten, good, cheap]) == [cheap, good]


def test_the_cost_chart_names_every_model_apart() -> None:
    points = [CostPoint(f"m{at}", 1.0, about(0.3)) for at in range(4)]
    drawn = str(cost_chart(points, "NDCG@10"))
    heights = [
        part.split('"')[0]
        for part in drawn.split('" class="name"')[:-1]
        for part in [part.rsplit('y="', 1)[1]]
    ]
    assert len(set(heights)) == 4
    assert str(cost_chart(points[:1], "NDCG@10")).count("<circle") == 1


def test_costs_of_zero_seconds_can_be_drawn() -> None:
    assert "NaN" not in str(cost_chart([CostPoint("m", 0.0, about(0.3))], "NDCG@10"))


def test_the_matrix_is_antisymmetric() -> None:
    pairs = [
        Pair("a", "b", Interval(0.2, 0.1, 0.3, 0.95), 0.01),
        Pair("a", "c", Interval(0.25, 0.2, 0.3, 0.95), 0.001),
        Pair("b", "c", Interval(0.05, -0.1, 0.2, 0.95), 0.5),
    ]
    matrix = difference_matrix(["a", "b", "c"], pairs, level=0.95)
    ab, ba, cb = matrix[0][1], matrix[1][0], matrix[2][1]
    assert ab is not None
    assert ba is not None
    assert cb is not None
    assert matrix[0][0] is None
    assert (ab.words, ba.words) == ("+0.2000", "\N{MINUS SIGN}0.2000")
    assert ab.css.startswith("up")
    assert ba.css.startswith("down")
    assert "unsure" in cb.css
    assert "unsure" not in ab.css
    assert "b minus a" in ba.detail
    assert ba.detail.index("0.3000") < ba.detail.index("0.1000")  # from low to high


def test_bars_share_one_scale() -> None:
    long, short = interval_bars(["a", "b"], [about(0.8), about(0.4)], "NDCG@10")
    widths = [float(str(b).split('width="')[2].split('"')[0]) for b in (long, short)]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert "bar best" in long
    assert "bar best" not in short
    assert interval_bars([], [], "NDCG@10") == []


def test_the_verdict_says_when_chance_could_explain_it(kit: Kit) -> None:
    tied = compare(
        {"a": kit.model("popular"), "b": kit.model("popular")}, kit.crowd(), Protocol(rounds=20)
    )
    told = verdict(tied)
    assert told is not None
    assert "chance could explain" in told.sentences[0]
    assert "Not told apart from it: b." in told.sentences[0]


def test_the_verdict_says_when_it_could_not(kit: Kit) -> None:
    clear = compare(
        {"a": kit.model("popular"), "b": kit.model("unpopular"), "c": kit.model("raise")},
        kit.crowd(),
        Protocol(k=3, rounds=20),
    )
    told = verdict(clear)
    assert told is not None
    assert "It leads b by" in told.sentences[0]
    assert "more than chance" in told.sentences[0]
    assert told.sentences[-1] == "Failed and not ranked: c."
    assert "3 models learned from" in summary(clear)
    assert "and were judged on" in summary(clear)


def test_one_model_has_nothing_to_lead(kit: Kit) -> None:
    alone = compare([kit.model("popular")], kit.crowd(), Protocol(rounds=20))
    told = verdict(alone)
    assert told is not None
    assert "only model" in told.sentences[0]
    assert summary(alone).startswith("1 model learned")


def test_no_verdict_over_failures(kit: Kit) -> None:
    assert verdict(compare([kit.model("raise")], kit.crowd(), Protocol(rounds=20))) is None
