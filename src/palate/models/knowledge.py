"""What is known of entities: their vectors, and those of what stands beside them in facts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from palate.errors import DataError
from palate.models.transe import TransEConfig, transe
from palate.types import Float32Array, Int32Array

__all__ = ["FACT", "Knowledge", "read_facts", "read_vectors"]

FACT: Final = ("head", "relation", "tail")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Vectors of entities.

    Attributes:
        ids: (n,) distinct String, any order.
        vectors: (n, k) float32.
        context: (n, k) float32, the mean vector of an entity's neighbours in the facts; 0
            where it has none.

    Raises:
        DataError: Ids are repeated or missing, a vector is not finite, shapes differ.
    """

    ids: pl.Series
    vectors: Float32Array
    context: Float32Array

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.vectors.ndim != 2 or self.vectors.shape != self.context.shape:
            raise DataError(
                f"vectors of entities are {self.vectors.shape}, their context {self.context.shape}"
            )
        if len(self.vectors) != n or self.ids.n_unique() != n or self.ids.null_count():
            raise DataError(
                f"{n} entities, {self.ids.n_unique()} of them distinct, have "
                f"{len(self.vectors)} vectors",
                hint="give each entity once, with one vector",
            )
        if not (np.isfinite(self.vectors).all() and np.isfinite(self.context).all()):
            raise DataError("a vector of an entity is NaN or infinite")

    @classmethod
    def of_facts(cls, facts: pl.DataFrame, config: TransEConfig) -> Knowledge:
        """Learn vectors by TransE.

        Args:
            facts: head, relation, tail, one fact a row; nulls are not allowed.
            config: TransE's.
        """
        ids, triples = _in_rows(facts)
        vectors = transe(triples, len(ids), config).entities
        return cls(ids, vectors, _context(triples, vectors))

    @classmethod
    def of_vectors(
        cls, ids: pl.Series, vectors: Float32Array, facts: pl.DataFrame | None = None
    ) -> Knowledge:
        """Take vectors as they are; facts, if there are any, say what is the context.

        Args:
            ids: (n,) String.
            vectors: (n, k) float32.
            facts: head, relation, tail; those of entities without a vector say nothing.
        """
        context = np.zeros_like(vectors)
        if facts is not None:
            known = pl.col("head").is_in(ids.implode()) & pl.col("tail").is_in(ids.implode())
            ours, triples = _in_rows(facts.filter(known))
            rows = pl.DataFrame({"id": ids, "at": np.arange(len(ids))})
            at = ours.to_frame("id").join(rows, on="id", how="left", maintain_order="left")["at"]
            places = at.to_numpy()
            context[places] = _context(triples, vectors[places])
        return cls(ids, vectors, context)


def read_facts(path: Path) -> pl.DataFrame:
    """Facts from a Parquet, CSV or TSV file with the columns head, relation and tail.

    Raises:
        DataError: It cannot be read, or lacks one of them.
    """
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return frame


def read_vectors(path: Path) -> tuple[pl.Series, Float32Array]:
    """Ids and (n, k) vectors from lines of an id and k numbers, parted by tabs (MIND's .vec).

    Raises:
        DataError: It cannot be read, or holds something that is no number.
    """
    try:
        frame = pl.read_csv(path, separator="\t", has_header=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    numbers = [name for name in frame.columns[1:] if frame[name].null_count() < frame.height]
    try:
        vectors = frame.select(pl.col(numbers).cast(pl.Float32)).to_numpy()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} holds what is no number: {error}") from error
    return frame.to_series(0).cast(pl.String), np.ascontiguousarray(vectors, np.float32)


def _in_rows(facts: pl.DataFrame) -> tuple[pl.Series, Int32Array]:
    """Entities, sorted, and (n, 3) int32 facts in their rows."""
    missing = [name for name in FACT if name not in facts.columns]
    if missing:
        raise DataError(f"facts have no column {missing[0]!r}", hint=f"they have {', '.join(FACT)}")
    facts = facts.select(pl.col(FACT).cast(pl.String))
    if any(facts[name].null_count() for name in FACT):
        raise DataError("a fact lacks its head, relation or tail")
    ids = pl.concat([facts["head"], facts["tail"]]).unique().sort().rename("id")
    columns = []
    for name, among in (
        ("head", ids),
        ("relation", facts["relation"].unique().sort()),
        ("tail", ids),
    ):
        rows = pl.DataFrame({"id": among, "row": np.arange(len(among), dtype=np.int32)})
        found = facts.select(id=name).join(rows, on="id", how="left", maintain_order="left")
        columns.append(found["row"].to_numpy())
    return ids, np.stack(columns, axis=1).astype(np.int32)


def _context(triples: Int32Array, vectors: Float32Array) -> Float32Array:
    """(n, k) float32 mean of distinct neighbours, in either direction, itself left out."""
    both = np.concatenate((triples[:, [0, 2]], triples[:, [2, 0]]))
    pairs = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
    sums = np.zeros(vectors.shape, np.float64)
    np.add.at(sums, pairs[:, 0], vectors[pairs[:, 1]])
    counts = np.bincount(pairs[:, 0], minlength=len(vectors))
    return np.asarray(sums / np.maximum(counts, 1)[:, None], np.float32)
