"""`palate surface`: what is shown, drawn and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SETTINGS = """
[items]
make = { kind = "category" }

[surfaces.home]
k = 5
sources = [{ kind = "neighbours", depth = 50 }, { kind = "new" }]
rerank = [{ kind = "mmr", trade_off = 0.8, budget_ms = 2 }, { kind = "explore" }]
budget_ms = 30
budgets_ms = { hydrate = 5 }

[surfaces.plain]
filters = { make = "BMW" }
"""


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path) -> None:
    (tmp_path / "palate.toml").write_text(SETTINGS)


def test_show_all(palate: Run) -> None:
    shown = palate("surface", "show")
    assert shown.code == 0
    assert "neighbours, new" in shown.out
    assert "mmr, explore" in shown.out
    listed = palate("surface", "show", "--json").data
    assert [one["name"] for one in listed] == ["home", "plain"]


def test_show_one(palate: Run) -> None:
    shown = palate("surface", "show", "home").out
    assert "neighbours, depth 50" in shown
    assert "mmr, budget_ms 2, trade_off 0.8" in shown
    data = palate("surface", "show", "home", "--json").data
    assert data["k"] == 5
    assert data["sources"][0] == {"budget_ms": None, "depth": 50, "kind": "neighbours"}
    plain = palate("surface", "show", "plain", "--json").data
    assert (plain["filters"], plain["stages"]) == ({"make": "BMW"}, [])


def test_show_has_the_budget_and_the_fallback_of_each_stage(palate: Run) -> None:
    stages = palate("surface", "show", "home", "--json").data["stages"]
    by_name = {one["stage"]: (one["budget_ms"], one["fallback"]) for one in stages}
    assert by_name["sources.new"] == (30, "the other sources answer")
    assert by_name["hydrate"][0] == 5
    assert by_name["rerank.mmr"] == (2, "the order stays")
    assert by_name["rerank.explore"] == (30, "nothing is explored")
    assert "rerank.mmr, 2 ms, else the order stays" in palate("surface", "show", "home").out


def test_draw(palate: Run) -> None:
    drawn = palate("surface", "draw", "home").out
    assert drawn.splitlines()[3] == "retrieve    30 ms  neighbours  depth 50"
    assert palate("surface", "draw", "home", "--mermaid").out.startswith("flowchart TD\n")
    assert palate("surface", "draw", "plain", "--json").data["surface"] == "plain"


def test_check(palate: Run, tmp_path: Path) -> None:
    checked = palate("surface", "check")
    assert checked.code == 0
    assert "home: neighbours, new; 30 ms; hydrate 5, rerank.mmr 2\n" in checked.out
    assert "plain: model" in checked.out.splitlines()
    assert "all is well" in checked.err
    (tmp_path / "other.toml").write_text('[surfaces.a]\nrerank = [{ kind = "mmr" }]\n')
    refused = palate("surface", "check", "other.toml")
    assert refused.code == 1
    assert "[surfaces.a] rerank and worth need sources" in refused.err
    assert palate("surface", "check", "nowhere.toml").code == 1


@pytest.mark.parametrize("command", ["show", "draw"])
def test_a_surface_that_is_not_there(palate: Run, command: str) -> None:
    refused = palate("surface", command, "search")
    assert refused.code == 1
    assert "declared: home, plain" in refused.err


def test_no_surfaces(palate: Run, tmp_path: Path) -> None:
    (tmp_path / "palate.toml").write_text("")
    assert palate("surface", "show").out.strip() == "no surfaces"
    assert palate("surface", "show", "--json").data == []
    assert palate("surface", "check").code == 0
