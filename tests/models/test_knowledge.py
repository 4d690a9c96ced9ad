"""What is known of entities: from facts, from vectors, from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.errors import DataError
from palate.models.knowledge import Knowledge, read_facts, read_vectors
from palate.models.transe import TransEConfig

FACTS = pl.DataFrame(
    {
        "head": ["b", "a", "a", "a", "d"],
        "relation": ["in", "in", "near", "near", "is"],
        "tail": ["c", "c", "b", "b", "d"],
    }
)


def test_context_is_the_mean_of_distinct_neighbours() -> None:
    known = Knowledge.of_facts(FACTS, TransEConfig(k=4))
    assert known.ids.to_list() == ["a", "b", "c", "d"]
    a, b, c, _ = known.vectors
    np.testing.assert_allclose(known.context[0], (b + c) / 2, rtol=1e-6)
    np.testing.assert_allclose(known.context[2], (a + b) / 2, rtol=1e-6)
    assert not known.context[3].any()  # nothing but itself


def test_vectors_given_with_facts_and_without() -> None:
    ids = pl.Series(["c", "a", "z"])
    vectors = np.array([[1, 0], [0, 1], [2, 2]], np.float32)
    alone = Knowledge.of_vectors(ids, vectors)
    assert not alone.context.any()
    known = Knowledge.of_vectors(ids, vectors, FACTS)  # b and d have no vector
    np.testing.assert_array_equal(known.context, [[0, 1], [1, 0], [0, 0]])


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "a"], np.zeros((2, 3)), "1 of them distinct"),
        (["a", None], np.zeros((2, 3)), "2 entities"),
        (["a"], np.zeros((2, 3)), "have 2 vectors"),
        (["a"], np.full((1, 3), np.nan), "NaN"),
        (["a"], np.zeros(3), "vectors of entities are"),
    ],
)
def test_what_is_refused(ids: list[str], vectors: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Knowledge.of_vectors(pl.Series(ids), vectors.astype(np.float32))


def test_incomplete_facts_are_refused() -> None:
    with pytest.raises(DataError, match="no column 'tail'"):
        Knowledge.of_facts(FACTS.drop("tail"), TransEConfig())
    hole = FACTS.with_columns(tail=pl.lit(None, pl.String))
    with pytest.raises(DataError, match="lacks its head"):
        Knowledge.of_facts(hole, TransEConfig())


def test_no_facts() -> None:
    known = Knowledge.of_facts(FACTS.clear(), TransEConfig(k=4))
    assert known.vectors.shape == (0, 4)


def test_files(tmp_path: Path) -> None:
    FACTS.write_parquet(tmp_path / "facts.parquet")
    FACTS.write_csv(tmp_path / "facts.csv")
    FACTS.write_csv(tmp_path / "facts.tsv", separator="\t")
    for name in ("facts.parquet", "facts.csv", "facts.tsv"):
        assert read_facts(tmp_path / name).equals(FACTS)
    (tmp_path / "entities.vec").write_text("Q1\t0.5\t1\t\nQ2\t-1\t2e-1\t\n")  # as MIND ends lines
    ids, vectors = read_vectors(tmp_path / "entities.vec")
    assert ids.to_list() == ["Q1", "Q2"]
    np.testing.assert_allclose(vectors, [[0.5, 1.0], [-1.0, 0.2]])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for read in (read_facts, read_vectors):
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path / "nowhere.csv")
    (tmp_path / "words.vec").write_text("Q1\tone\ttwo\n")
    with pytest.raises(DataError, match="no number"):
        read_vectors(tmp_path / "words.vec")
