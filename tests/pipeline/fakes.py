"""A small world for pipelines: items on a circle, nets that are one product, a clock by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from palate.config import Attribute, EventType, Schema
from palate.features.item_state import ItemState
from palate.pipeline.attributes import Read
from palate.pipeline.candidate import Candidates
from palate.pipeline.check import read_surface
from palate.pipeline.filter import Condition, Filter
from palate.pipeline.parts import Parts
from palate.pipeline.person import Person
from palate.pipeline.request import Request
from palate.pipeline.run import Pipeline
from palate.pipeline.slate import RankedSlate
from palate.pipeline.stage import Asked
from palate.pipeline.surface import Surface
from palate.types import (
    AttributeKind,
    BoolArray,
    Float32Array,
    Float64Array,
    Int64Array,
    IntArray,
)

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
SCHEMA = Schema(
    events={
        "view": EventType(weight=1.0),
        "save": EventType(weight=3.0),
        "hide": EventType(weight=-5.0),
    },
    items={
        "dealer": Attribute(kind=AttributeKind.CATEGORY),
        "make": Attribute(kind=AttributeKind.CATEGORY),
        "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        "listed": Attribute(kind=AttributeKind.TIME),
        "title": Attribute(kind=AttributeKind.TEXT),
    },
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_ms(self, ms: float) -> None:
        self.now_s += ms / 1e3


@dataclass(frozen=True)
class Hits:
    ids: list[str]
    scores: Float32Array
    vectors: Float32Array | None = None


class Items:
    """Item states by id. `before` is called with every read."""

    def __init__(self, states: Mapping[str, ItemState]) -> None:
        self.states = dict(states)
        self.before: Callable[[], None] = lambda: None
        self.read: list[str] = []
        self.offset: int | None = None  # of the newest change

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        self.before()
        self.read += ids
        return [self.states.get(item) for item in ids]

    def items_offset(self) -> int | None:
        return self.offset

    def put(self, item: str, *, deleted: bool = False, **attributes: Any) -> None:
        old = {} if deleted else self.states[item].attributes
        self.states[item] = ItemState(9, NOW_US, deleted, {**old, **attributes})


class Index:
    """Exact, by product."""

    def __init__(self, vectors: Mapping[str, Sequence[float]]) -> None:
        self.ids = list(vectors)
        self.table = np.array([vectors[item] for item in self.ids], np.float32)
        self.dimension = self.table.shape[1] if self.ids else 2
        self.before: Callable[[], None] = lambda: None
        self.depths: list[int] = []

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        among: Sequence[str] | None = None,
        vectors: bool = False,
    ) -> list[Hits]:
        self.before()
        self.depths.append(k)
        allowed = [at for at, item in enumerate(self.ids) if among is None or item in set(among)]
        found = []
        for query in queries:
            scores = self.table[allowed] @ query if allowed else np.empty(0, np.float32)
            best = np.argsort(-scores, kind="stable")[:k]
            own = self.table[allowed][best] if vectors else None
            found.append(Hits([self.ids[allowed[at]] for at in best], scores[best], own))
        return found

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        known = {item: at for at, item in enumerate(self.ids)}
        empty = np.full(self.dimension, np.nan, np.float32)
        rows = [self.table[known[item]] if item in known else empty for item in ids]
        return np.array(rows, np.float32).reshape(len(ids), self.dimension)


class Layout:
    names = ("make=BMW", "price:mean")


class Nets:
    """The user is their profile; a view is as likely as near, hiding as far, saving is rare."""

    dimension = 2
    outcomes = ("view", "save", "hide")
    layout = Layout()

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None
        self.spoil: Callable[[Float32Array], Float32Array] = lambda given: given
        self.user: Callable[[Float32Array], Float32Array] = lambda profile: profile

    def embed_user(
        self, profile: Float32Array, recent: Float32Array, context: Mapping[str, Any] | None
    ) -> Float32Array:
        return self.user(profile)

    def rank(
        self, user: Float32Array, items: Float32Array, features: Float32Array | None
    ) -> Float32Array:
        self.before()
        near = 1.0 / (1.0 + np.exp(-(items @ user)))
        given = np.stack([near, near / 10, (1 - near) / 10], axis=1).astype(np.float32)
        return self.spoil(given)


class Lists:
    def __init__(self, popular: Sequence[str], newest: Sequence[str], items: Items) -> None:
        self._popular, self._newest, self._items = list(popular), list(newest), items
        self.before: Callable[[], None] = lambda: None

    def popular(self, n: int) -> Sequence[str]:
        self.before()
        return self._popular[:n]

    def newest(self, n: int) -> Sequence[str]:
        self.before()
        return self._newest[:n]

    def matching(self, wanted: Filter, n: int) -> Sequence[str]:
        self.before()
        states = self._items.states.items()
        return [i for i, s in states if s.showable and wanted.matches(s.attributes)][:n]


class Memory:
    """Attributes of the world's items as they are now; a row is a number in the order of ids."""

    def __init__(self, world: World) -> None:
        self.states = dict(world.items.states)
        self.ids = list(self.states)
        self.looked_at: list[str] = []
        self.offset = 7

    def rows(self, ids: Sequence[str]) -> Int64Array:
        self.looked_at += ids
        places = {item: at for at, item in enumerate(self.ids)}
        return np.array([places.get(item, -1) for item in ids], np.int64)

    def attributes(self, row: int) -> Mapping[str, Any]:
        return self.states[self.ids[row]].attributes

    def values(self, rows: IntArray, name: str) -> list[Any]:
        return [self.attributes(row).get(name) if row >= 0 else None for row in rows.tolist()]

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        held = [r >= 0 and condition.holds(self.attributes(r)) for r in rows.tolist()]
        return np.array(held, np.bool_)

    def changed_us(self, rows: IntArray) -> Int64Array:
        times = [self.states[self.ids[r]].timestamp if r >= 0 else 0 for r in rows.tolist()]
        return np.array(times, np.int64)


class Counts:
    def __init__(self, counts: Mapping[str, tuple[float, float]]) -> None:
        self._counts = counts

    def counts(self, ids: Sequence[str]) -> Float64Array:
        return np.array([self._counts.get(item, (0, 0)) for item in ids], np.float64).reshape(-1, 2)


def name(number: int) -> str:
    return f"i{number:03d}"


class World:
    """n items evenly on the upper half circle: item 0 at (1, 0), the last at (-1, 0).

    Item i is of dealer i mod 10 and make BMW (even) or Audi; popular from the end; the newest
    are the last ones, too: item i was listed n - 1 - i days ago.
    """

    def __init__(self, n: int = 100) -> None:
        self.n = n
        angles = np.linspace(0.0, np.pi, n) if n else np.empty(0)
        self.ids = [name(i) for i in range(n)]
        self.items = Items({name(i): self.state(i) for i in range(n)})
        self.index = Index(
            {name(i): (float(np.cos(a)), float(np.sin(a))) for i, a in enumerate(angles)}
        )
        self.nets = Nets()
        self.lists = Lists(self.ids[::-1], self.ids[::-1], self.items)
        self.clock = Clock()

    def state(self, i: int) -> ItemState:
        listed = NOW_US - (self.n - 1 - i) * DAY_US
        attributes = {
            "dealer": f"d{i % 10}",
            "make": "BMW" if i % 2 == 0 else "Audi",
            "price": 1000 * (i + 1),
            "listed": listed,
        }
        return ItemState(1, listed, attributes=attributes)

    def parts(self, **others: Any) -> Parts:
        own: dict[str, Any] = {"items": self.items, "nets": self.nets, "index": self.index}
        return Parts(**{**own, "lists": self.lists, **others})


def surface(**raw: Any) -> Surface:
    """A surface, of neighbours alone if nothing is said."""
    return read_surface("home", {"sources": [{"kind": "neighbours"}], **raw}, SCHEMA, max_k=1000)


def towards(x: float, y: float = 0.0, **others: Any) -> Person:
    """Somebody whose taste points there."""
    return Person(profile=np.array([x, y], np.float32), **others)


def request(person: Person | None = None, **others: Any) -> Request:
    return Request(now_us=NOW_US, person=towards(1.0) if person is None else person, **others)


def candidates(
    scores: Sequence[float] | range,
    *,
    vectors: Sequence[Sequence[float]] | None = None,
    attributes: Sequence[Mapping[str, Any]] | None = None,
    changed_us: Sequence[int] | None = None,
) -> Candidates:
    """Scored candidates i000, i001 and so on, of one source."""
    n = len(scores)
    return Candidates(
        ids=[name(i) for i in range(n)],
        places=np.arange(n, dtype=np.int32)[:, None],
        given=np.full((n, 1), np.nan, np.float32),
        attributes=Read(
            [{} for _ in range(n)] if attributes is None else attributes,
            None if changed_us is None else np.array(changed_us, np.int64),
        ),
        vectors=None if vectors is None else np.array(vectors, np.float32),
        scores=np.array(scores, np.float32),
    )


def asked(k: int = 10, parts: Parts | None = None, **others: Any) -> Asked:
    """What stages read, of a request that says nothing special."""
    own = World(3).parts() if parts is None else parts
    return Asked(request(), own, SCHEMA, k, **others)


def run(world: World, raw: dict[str, Any] | None = None, **asked: Any) -> RankedSlate:
    """One request to a pipeline over the world."""
    parts = asked.pop("parts", None) or world.parts()
    pipeline = Pipeline(surface(**(raw or {})), parts, clock=world.clock)
    return pipeline.run(request(**asked))
