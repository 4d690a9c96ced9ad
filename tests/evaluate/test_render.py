"""Tables, Markdown, JSON and frames: all figures, and names that cannot break them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from palate.evaluate import Comparison, Protocol, compare

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

NASTY = "a|b [red]*x*[/red] <script>"


@pytest.fixture(scope="module")
def comparison(kit: Kit) -> Comparison:
    models = {
        "good": kit.model("popular"),
        NASTY: kit.model("unpopular"),
        "bad": kit.model("raise"),
    }
    return compare(models, kit.crowd(name="[bold]data"), Protocol(k=3, rounds=20))


def test_table(comparison: Comparison) -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(comparison.to_table())
    text = out.getvalue()
    assert "[bold]data" in text
    assert NASTY in text
    assert "NDCG@3" in text
    assert f"{comparison.rows[0].judgement.intervals['ndcg'].estimate:.4f}" in text  # type: ignore[union-attr]
    assert "bad: ZeroDivisionError: nothing to divide by" in text


def test_markdown(comparison: Comparison) -> None:
    lines = comparison.to_markdown().splitlines()
    assert len(lines) == 2 + 3
    columns = lines[0].count("|")
    unescaped = [line.replace("\\|", "").count("|") for line in lines]
    assert unescaped == [columns] * 5
    assert "a\\|b" in lines[3]
    assert "<script>" not in lines[3].replace("\\<", "")
    assert "failed" in lines[4]


def test_json(comparison: Comparison) -> None:
    document = json.loads(comparison.to_json())
    assert [row["name"] for row in document["rows"]] == ["good", NASTY, "bad"]
    first = document["rows"][0]
    assert first["metrics"]["ndcg"]["low"] <= first["metrics"]["ndcg"]["estimate"]
    assert first["users"] == 60
    assert document["protocol_hash"] == comparison.protocol.hash
    assert document["data"]["checksum"] == comparison.data.checksum
    assert document["rows"][2]["error"]
    assert document["pairs"][0]["first"] == "good"
    assert Protocol.model_validate(document["protocol"]) == comparison.protocol


def test_frame(comparison: Comparison) -> None:
    frame = comparison.to_frame()
    assert frame["name"].to_list() == ["good", NASTY, "bad"]
    row = frame.row(0, named=True)
    assert row["ndcg_low"] <= row["ndcg"] <= row["ndcg_high"]
    assert row["catalogue_coverage"] > 0
    assert frame.row(2, named=True)["ndcg"] is None
    assert frame.row(2, named=True)["error"]


def test_one_model(kit: Kit) -> None:
    comparison = compare([kit.model("popular")], kit.crowd(), Protocol(rounds=10))
    assert comparison.to_markdown().count("\n") == 3
    assert comparison.to_table().row_count == 1


def test_nothing_but_failures(kit: Kit) -> None:
    comparison = compare([kit.model("raise")], kit.crowd(), Protocol(rounds=10))
    assert "failed" in comparison.to_markdown()
    assert comparison.to_table().row_count == 1
    assert comparison.to_frame().height == 1
    assert json.loads(comparison.to_json())["pairs"] == []
