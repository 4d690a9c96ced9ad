"""Titles as rows of words, with the entities that they mention standing at their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from palate.models.words import words_of
from palate.types import Int32Array

__all__ = ["Mentions", "align", "entity_of"]

BETWEEN: Final = ":"  # an entity and its name in the text, as in "Q90:Paris"


@dataclass(frozen=True, slots=True)
class Mentions:
    """Aligned words and entities of items, (n_items, length) int32 each.

    Attributes:
        words: 1 + the row of each word; 0 where there is none, or an unknown one.
        entities: 1 + the row of the entity that is mentioned there; 0 where there is none.
    """

    words: Int32Array
    entities: Int32Array

    @classmethod
    def of(
        cls,
        titles: Iterable[str | None],
        entities: Iterable[Sequence[str] | None],
        *,
        words: pl.Series,
        entity_ids: pl.Series,
        length: int,
    ) -> Mentions:
        """Look words and entities up.

        Args:
            titles: One an item.
            entities: The item's, as `align` reads them.
            words: (n_words,) distinct, String.
            entity_ids: (n_entities,) distinct, String.
            length: Places a title has.
        """
        aligned = [align(t, e, length) for t, e in zip(titles, entities, strict=True)]
        return cls(
            _rows([places for places, _ in aligned], words, length),
            _rows([places for _, places in aligned], entity_ids, length),
        )


def entity_of(mention: str) -> str:
    """The entity's id.

    >>> entity_of("Q90:Paris")
    'Q90'
    """
    return mention.partition(BETWEEN)[0]


def align(
    title: str | None, mentions: Sequence[str] | None, length: int
) -> tuple[list[str], list[str]]:
    """Words of a title and the entity at each, at most `length`; "" where there is none.

    A mention is an entity's id, or the id, a colon and its name. Where the title has the name,
    its words carry the entity. Any other entity has a place of its own behind the title, up to
    half of the places.

    >>> align("New mayor of Paris elected", ["Q90:Paris", "Q7"], 8)
    (['new', 'mayor', 'of', 'paris', 'elected', ''], ['', '', '', 'Q90', '', 'Q7'])
    """
    words = words_of(title)
    carried, elsewhere = [""] * len(words), []
    for mention in mentions or ():
        entity, _, name = mention.partition(BETWEEN)
        at = _find(words, carried, words_of(name))
        if at is None:
            elsewhere.append(entity)
        else:
            carried[at] = [entity] * (at.stop - at.start)
    elsewhere = elsewhere[: length // 2]
    room = length - len(elsewhere)
    return (
        words[:room] + [""] * len(elsewhere),
        carried[:room] + elsewhere,
    )


def _find(words: list[str], carried: list[str], name: list[str]) -> slice | None:
    """Where the name stands first with no entity on it yet."""
    if not name:
        return None
    for start in range(len(words) - len(name) + 1):
        at = slice(start, start + len(name))
        if words[at] == name and not any(carried[at]):
            return at
    return None


def _rows(places: list[list[str]], ids: pl.Series, length: int) -> Int32Array:
    """(n, length) int32: 1 + the row of each id, 0 for "" and unknown ones."""
    lengths = np.array([len(each) for each in places], np.int64)
    flat = pl.Series([one for each in places for one in each], dtype=pl.String)
    known = pl.DataFrame({"id": ids, "row": np.arange(1, len(ids) + 1, dtype=np.int32)})
    found = flat.to_frame("id").join(known, on="id", how="left", maintain_order="left")
    out = np.zeros((len(places), length), np.int32)
    columns = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = np.repeat(np.arange(len(places)), lengths)
    out[rows, columns] = found["row"].fill_null(0).to_numpy()
    return out
