"""Vectors for the benchmarks of the index: clusters of Zipf's sizes, and queries between them.

A file of trained vectors, npy (n, d), can be named in PALATE_VECTORS; it is then measured too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palate.types import Float32Array, Int32Array, Int64Array
from peers import Peer

__all__ = ["ANNOY", "FAISS", "Catalogue", "K", "clustered", "export", "given", "nearest"]

ANNOY = Peer("annoy", "1.17.3", ("numpy>=2,<3",), pythons=("3.11", "3.12"))  # needs g++
FAISS = Peer("faiss-cpu", "1.15.1", ("numpy>=2,<3",), pythons=("3.11", "3.12"))
K = 500
ALIKE = "alike.npy"
N_QUERIES = 300
CLUSTERS = 4000
NOISE = 0.7  # of a row around its centre, where the centres' own spread is 1
MIXED = 3  # items that a query is a mix of, as a user's vector is
STEP = 100_000


@dataclass(frozen=True)
class Catalogue:
    """Items and those who look for them.

    Attributes:
        vectors: (n, d) float32 of length one.
        groups: (n,) int32, the cluster of each.
        queries: (m, d) float32 of length one.
        bases: (m, MIXED) int64, the items that each query is a mix of.
        alike: (j, d) float32, queries like those to come, that an index may be tried on.
    """

    vectors: Float32Array
    groups: Int32Array
    queries: Float32Array
    bases: Int64Array
    alike: Float32Array | None = None


def clustered(n: int, d: int = 64, *, seed: int = 1) -> Catalogue:
    """Rows around centres, popular centres with more of them."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CLUSTERS, d), dtype=np.float32)
    shares = 1 / np.arange(1, CLUSTERS + 1)
    groups = rng.choice(CLUSTERS, n, p=shares / shares.sum()).astype(np.int32)
    vectors = np.empty((n, d), np.float32)
    for start in range(0, n, STEP):
        some = groups[start : start + STEP]
        noise = rng.standard_normal((len(some), d), dtype=np.float32)
        vectors[start : start + STEP] = _of_length_one(centres[some] + np.float32(NOISE) * noise)
    return _with_queries(vectors, groups)


def given() -> Catalogue | None:
    """The vectors of the file that PALATE_VECTORS names; None where it names none."""
    said = os.environ.get("PALATE_VECTORS")
    if said is None:
        return None
    vectors = np.load(Path(said), allow_pickle=False).astype(np.float32)
    return _with_queries(_of_length_one(vectors), np.zeros(len(vectors), np.int32))


def nearest(catalogue: Catalogue, k: int = K) -> Int64Array:
    """(m, k) the items of the highest products with each query, in no order."""
    found = np.empty((len(catalogue.queries), k), np.int64)
    for row, query in enumerate(catalogue.queries):
        found[row] = np.argpartition(-(catalogue.vectors @ query), k)[:k]
    return found


def export(catalogue: Catalogue, folder: Path) -> None:
    """What each side reads."""
    np.save(folder / "items.npy", catalogue.vectors)
    np.save(folder / "queries.npy", catalogue.queries)
    np.save(folder / "nearest.npy", nearest(catalogue))
    if catalogue.alike is not None:
        np.save(folder / ALIKE, catalogue.alike)


def _with_queries(vectors: Float32Array, groups: Int32Array) -> Catalogue:
    rng = np.random.default_rng(2)
    bases = rng.integers(0, len(vectors), (N_QUERIES, MIXED))
    shares = rng.dirichlet(np.ones(MIXED), N_QUERIES).astype(np.float32)
    queries = np.einsum("qm,qmd->qd", shares, vectors[bases])
    return Catalogue(vectors, groups, _of_length_one(queries), bases)


def _of_length_one(vectors: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
