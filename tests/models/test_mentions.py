"""Titles aligned with the entities that they mention."""

from __future__ import annotations

import polars as pl
import pytest

from palate.models.mentions import Mentions, align


@pytest.mark.parametrize(
    ("title", "mentions", "entities"),
    [
        ("Queen visits New York", ["Q60:New York"], ["", "", "Q60", "Q60"]),
        ("New York, New York", ["Q60:New York", "Q61:New York"], ["Q60", "Q60", "Q61", "Q61"]),
        ("a b", [], ["", ""]),
        ("a b", None, ["", ""]),
        ("a b", ["Q1"], ["", "", "Q1"]),
        ("a b", ["Q1:c"], ["", "", "Q1"]),
        ("a b", ["Q1:a:b"], ["Q1", "Q1"]),  # the name itself has a colon
        ("", ["Q1:a"], ["Q1"]),
        (None, None, []),
    ],
)
def test_entities_stand_at_their_words(
    title: str | None, mentions: list[str] | None, entities: list[str]
) -> None:
    words, found = align(title, mentions, 8)
    assert found == entities
    assert len(words) == len(found)


def test_a_title_is_cut_so_that_entities_elsewhere_have_room() -> None:
    words, entities = align("a b c d e f", ["Q1", "Q2", "Q3"], 4)
    assert words == ["a", "b", "", ""]
    assert entities == ["", "", "Q1", "Q2"]
    assert align("a b c d e f", None, 4)[0] == ["a", "b", "c", "d"]


def test_rows() -> None:
    found = Mentions.of(
        ["b a x", None],
        [["Q1:a", "Q9"], None],
        words=pl.Series(["a", "b"]),
        entity_ids=pl.Series(["Q0", "Q1"]),
        length=5,
    )
    assert found.words.tolist() == [[2, 1, 0, 0, 0], [0] * 5]
    assert found.entities.tolist() == [[0, 2, 0, 0, 0], [0] * 5]


def test_no_items_and_no_vocabularies() -> None:
    none = pl.Series([], dtype=pl.String)
    assert Mentions.of([], [], words=none, entity_ids=none, length=3).words.shape == (0, 3)
    found = Mentions.of(["a"], [["Q1"]], words=none, entity_ids=none, length=3)
    assert not found.words.any()
    assert not found.entities.any()
