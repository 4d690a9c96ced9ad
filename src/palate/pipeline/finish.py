"""The last stages of a run: rerank, one look at the store, explore."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace

from palate.pipeline.course import Course
from palate.pipeline.gather import Gathered
from palate.pipeline.naming import EXPLORE
from palate.pipeline.page import Page
from palate.pipeline.parts import Parts
from palate.pipeline.rerank import Explore, Explored
from palate.pipeline.screen import Screen
from palate.pipeline.stage import Asked, Ranking, Reranker, StageSettings
from palate.types import Float64Array, Int64Array

__all__ = ["Finish"]

NEW = "sources.new"  # what exploration tries


class Finish:
    """The end of one surface's pipeline.

    Args:
        stages: Rerankers and perhaps exploration, by stage name, in their order.
        parts: What they run on.
    """

    def __init__(self, stages: Mapping[str, StageSettings], parts: Parts) -> None:
        self._rerankers = {n: s for n, s in stages.items() if isinstance(s, Reranker)}
        self._explore = next((s for s in stages.values() if isinstance(s, Explore)), None)
        self._parts = parts
        self.reads_vectors = any("index" in stage.needs for stage in stages.values())

    def reranked(self, ranking: Ranking, asked: Asked, course: Course) -> Ranking:
        """In the order that the rerankers make of it; one that fails leaves it as it was."""
        for name, stage in self._rerankers.items():
            ranking = self._attempt(name, stage, ranking, asked, course)
        return ranking

    def _attempt(
        self, name: str, stage: Reranker, ranking: Ranking, asked: Asked, course: Course
    ) -> Ranking:
        return course.attempt(name, lambda: stage.rerank(ranking, asked), lambda: ranking)

    def verified(
        self, ranking: Ranking, gathered: Gathered, screen: Screen, asked: Asked, course: Course
    ) -> Ranking:
        """Without what the store says is gone, where candidates came from memory until now.

        Only as many of the first are looked at as the slate and exploration need. It comes
        before exploration, whose propensities are of what may really be shown. Where no item
        changed since memory was told of all, memory's word is as good.
        """
        if gathered.verified:
            return ranking
        return course.attempt(
            "verify",
            lambda: self._looked_at(ranking, gathered, screen, asked),
            lambda: replace(ranking, order=ranking.order[:0]),
            optional=False,
        )

    def _looked_at(
        self, ranking: Ranking, gathered: Gathered, screen: Screen, asked: Asked
    ) -> Ranking:
        pool = self._pool(ranking, gathered.sources).tolist()
        nothing_newer = screen.by_id_alone and self._nothing_newer()
        if nothing_newer and not pool:  # most requests
            first = ranking.order[: asked.k]
            if ranking.candidates.attributes.remembered(first).all():
                return Ranking(ranking.candidates, first, ranking.keys)
        rows = ranking.order.tolist()
        ids = ranking.candidates.ids
        read: dict[int, Mapping[str, Any]] = {}
        alive: set[int] = set()
        of_pool = frozenset(pool)
        # New items first: each that exploration takes away from the order has to be replaced.
        unread = [*pool, *(row for row in rows if row not in of_pool)] if pool else rows
        while unread and len(alive.difference(pool)) < asked.k:
            chunk, unread = unread[: len(pool) + asked.k], unread[len(pool) + asked.k :]
            if nothing_newer:  # then what it holds is for sale
                known = ranking.candidates.attributes.remembered(chunk).tolist()
                alive.update(row for row, holds in zip(chunk, known, strict=True) if holds)
                chunk = [row for row, holds in zip(chunk, known, strict=True) if not holds]
            if not chunk:
                continue
            some = [ids[row] for row in chunk]
            states = self._parts.items.item_states(some)
            for at in screen.by_state(some, states, gathered.dropped):
                alive.add(chunk[at])
                state = states[at]
                read[chunk[at]] = {} if state is None else state.attributes
        candidates = ranking.candidates
        if read:
            candidates = candidates.having(attributes=candidates.attributes.with_read(read))
        looked_at = rows if pool else rows[: len(rows) - len(unread)]
        order = np.array([row for row in looked_at if row in alive], np.int64)
        return Ranking(candidates, order, ranking.keys)

    def _nothing_newer(self) -> bool:
        """Whether memory knows of every change of an item that the store knows of."""
        memory = self._parts.remembered
        newest = None if memory is None else self._parts.items.items_offset()
        return memory is not None and newest is not None and newest <= memory.offset

    def explored(
        self,
        ranking: Ranking,
        sources: tuple[str, ...],
        asked: Asked,
        page: Page,
        course: Course,
    ) -> Explored:
        """The slate's rows, some of them drawn."""
        rows = ranking.order[: asked.k]
        plain = Explored(rows, np.ones(len(rows)))
        explore = self._explore
        if explore is None:
            return plain
        allowed = set(ranking.order.tolist())
        pool = self._pool(ranking, sources)
        pool = pool[[row in allowed for row in pool.tolist()]] if len(pool) else pool
        counts = self._counts(ranking, pool, explore, course)
        rng = random.Random(f"{page.seed}:{page.number}")
        return course.attempt(
            EXPLORE,
            lambda: explore.draw(ranking.order, pool, counts, asked.k, rng),
            lambda: plain,
        )

    def _pool(self, ranking: Ranking, sources: tuple[str, ...]) -> Int64Array:
        """(m,) rows of new items, the newest first."""
        columns = [at for at, name in enumerate(sources) if name.startswith(NEW)]
        if self._explore is None or not columns:
            return np.empty(0, np.int64)
        places = ranking.candidates.places[:, columns]
        newest = np.where(places >= 0, places, np.iinfo(np.int32).max).min(axis=1)
        rows = np.flatnonzero(newest < np.iinfo(np.int32).max)
        return rows[np.argsort(newest[rows], kind="stable")][: self._explore.pool]

    def _counts(
        self, ranking: Ranking, pool: Int64Array, explore: Explore, course: Course
    ) -> Float64Array:
        """(m, 2) times shown and taken; zeros, and a note, where they cannot be had."""
        none = np.zeros((len(pool), 2))
        if explore.choice != "thompson" or not len(pool):
            return none
        trials = self._parts.trials
        if trials is None:
            course.fell_back("trials", "there are no counts of new items: all are alike")
            return none
        ids = [ranking.candidates.ids[row] for row in pool.tolist()]
        return course.attempt("trials", lambda: trials.counts(ids), lambda: none)
