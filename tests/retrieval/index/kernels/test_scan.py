"""Scans keep the best rows by their codes, whatever the scores look like."""

from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.kernels.scan import BLOCK, ROOM, scan_lists, scan_slots
from palate.types import Float32Array

N, WIDTH, WANTED = 40 * BLOCK, 32, 25
HEADS = np.array([0, 20], np.int32)  # two lists of twenty blocks each
FOLLOWING = np.array([n + 1 if (n + 1) % 20 else -1 for n in range(40)], np.int32)
BOTH = np.array([0, 1], np.int32)
RNG = np.random.default_rng(0)
SHAPES = {
    "random": RNG.normal(size=N),
    "rising": np.arange(N) / N,
    "falling": -np.arange(N) / N,
    "all equal": np.ones(N),
    "two values": RNG.integers(0, 2, N).astype(float),
    "mostly one, some better": np.where(RNG.random(N) < 0.01, RNG.random(N), -1.0),
    "one is huge": np.where(np.arange(N) == 700, 1e30, RNG.random(N)),
    "all are huge": RNG.normal(size=N) * 1e37,
}


def rows_of(biases: Float32Array, alive: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Rows whose products are nothing, so that their biases are their scores."""
    codes = np.zeros((N, WIDTH), np.int8)
    alive = np.ones(N, np.uint8) if alive is None else alive
    return codes, np.ones(N, np.float32), biases.astype(np.float32), alive


def room() -> tuple[np.ndarray, np.ndarray]:
    return np.empty(ROOM * WANTED, np.float32), np.empty(ROOM * WANTED, np.int32)


def scanned(
    rows: tuple[np.ndarray, ...], lists: np.ndarray = BOTH, allowed: np.ndarray | None = None
) -> np.ndarray:
    found, held = room(), 0
    query, none = np.zeros(WIDTH, np.int16), np.empty(0, np.uint8)
    allowed = none if allowed is None else allowed
    for one in lists:  # by and by, as a search does that found too little
        which = np.array([one], np.int32), np.array([np.inf], np.float32)
        held, ended = scan_lists(
            query, np.float32(1), which, (HEADS, FOLLOWING), rows, allowed, WANTED, found, held
        )
        assert not ended
    slots = found[1][:held]
    assert found[0][:held].tolist() == rows[2][slots].tolist()
    assert len(set(slots.tolist())) == held <= 2 * WANTED
    return slots[np.argsort(-rows[2][slots])][:WANTED]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_best_are_kept(shape: str) -> None:
    rows = rows_of(SHAPES[shape])
    right = np.sort(rows[2])[::-1][:WANTED]
    assert np.sort(rows[2][scanned(rows)])[::-1].tolist() == right.tolist()
    found = room()
    some = np.arange(N, dtype=np.int32)
    held = scan_slots(np.zeros(WIDTH, np.int16), np.float32(1), some, rows, WANTED, found)
    assert np.sort(found[0][:held])[::-1].tolist() == right.tolist()


def test_without_biases_they_count_as_zeros() -> None:
    codes, scales, _, alive = rows_of(np.zeros(N, np.float32))
    codes[:, 0] = np.arange(N) % 100
    query, allowed = np.zeros(WIDTH, np.int16), np.empty(0, np.uint8)
    query[0] = 1
    every = BOTH.astype(np.int32), np.full(len(BOTH), np.inf, np.float32)
    best = {}
    for name, biases in (("zeros", np.zeros(N, np.float32)), ("none", np.empty(0, np.float32))):
        rows, found = (codes, scales, biases, alive), room()
        held, _ = scan_lists(
            query, np.float32(1), every, (HEADS, FOLLOWING), rows, allowed, WANTED, found, 0
        )
        some = np.arange(N, dtype=np.int32)
        alone = room()
        kept = scan_slots(query, np.float32(1), some, rows, WANTED, alone)
        best[name] = (sorted(found[0][:held])[-WANTED:], sorted(alone[0][:kept]))
    assert best["zeros"] == best["none"]
    assert best["none"][0] == best["none"][1] == sorted(np.sort(codes[:, 0])[-WANTED:])


def test_the_dead_and_the_masked_are_not_found() -> None:
    alive = (np.arange(N) % 3 > 0).astype(np.uint8)
    allowed = (np.arange(N) % 2 == 0).astype(np.uint8)
    rows = rows_of(SHAPES["rising"], alive)
    right = [slot for slot in range(N - 1, 0, -1) if slot % 3 and slot % 2 == 0][:WANTED]
    assert scanned(rows, allowed=allowed).tolist() == right
    shorter = allowed[: 5 * BLOCK]
    assert scanned(rows, allowed=shorter).max() < 5 * BLOCK, "rows beyond a mask are excluded"


def test_fewer_than_are_wanted() -> None:
    alive = np.zeros(N, np.uint8)
    alive[[3, 1500]] = 1
    assert sorted(scanned(rows_of(SHAPES["random"], alive)).tolist()) == [3, 1500]
    assert scanned(rows_of(SHAPES["random"]), lists=np.empty(0, np.int32)).tolist() == []
