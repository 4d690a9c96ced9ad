"""Names of metrics, their cut-offs and directions."""

from __future__ import annotations

import inspect

import pytest

from palate.errors import ConfigError
from palate.metrics import METRICS, Family, metric, parse


@pytest.mark.parametrize(
    ("text", "label"),
    [("ndcg@10", "ndcg@10"), ("ndcg", "ndcg@7"), ("rmse", "rmse"), ("gini@1", "gini@1")],
)
def test_parse(text: str, label: str) -> None:
    assert parse(text, k=7).label == label


@pytest.mark.parametrize(
    "text", ["", "accuracy", "ndcg@", "ndcg@0", "ndcg@-1", "ndcg@x", "ndcg@²", "rmse@10", "@10"]
)
def test_impossible_names_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'nope'.*ndcg.*log_loss"):
        metric("nope")


def test_errors_and_inequality_are_better_when_lower() -> None:
    lower = {name for name, found in METRICS.items() if not found.higher_is_better}
    assert lower == {"rmse", "mae", "log_loss", "gini", "popularity", "popularity_lift"}


@pytest.mark.parametrize("name", sorted(METRICS))
def test_each_metric_is_a_page(name: str) -> None:
    """One file each, with a formula, an example and a source."""
    found = METRICS[name]
    assert found.name == name
    page = inspect.getdoc(inspect.getmodule(found.function)) or ""
    for part in (" = ", ">>> ", "Source: ", "Range "):
        assert part in page, f"{name} lacks {part!r}"
    assert found.function.__name__ == found.function.__module__.rsplit(".", 1)[1]


def test_only_lists_have_a_cut_off_and_only_scalars_no_users() -> None:
    assert [m.name for m in METRICS.values() if m.at_k and not m.per_user] == [
        n for n, m in METRICS.items() if m.family is Family.CATALOGUE
    ]
    assert not any(m.per_user for m in METRICS.values() if not m.at_k)
