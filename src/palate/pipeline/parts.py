"""What a pipeline is made to run on: small protocols, so that tests and services bring their own.

A `Parts` is taken once and never changes: nets and index of one embedding space are in it
together, and a swap makes a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from palate.features.item_state import ItemState
from palate.pipeline.filter import Condition, Filter
from palate.pipeline.person import Person
from palate.types import BoolArray, Float32Array, Float64Array, Int64Array, IntArray

__all__ = [
    "Attributes",
    "ItemStates",
    "Listed",
    "Lists",
    "Named",
    "Nearest",
    "Nets",
    "Parts",
    "People",
    "Prober",
    "Remembered",
    "RequestFeatures",
    "Trials",
]


class ItemStates(Protocol):
    """What is true of items now; `features.state.State` is one."""

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        """Of each item, all from one moment, in one round trip; None: never upserted."""
        ...

    def items_offset(self) -> int | None:
        """An offset of the log after which no item changed, as far as it goes; None: not known."""
        ...


class Remembered(Protocol):
    """Attributes of live items in memory, perhaps a moment behind; `serve.catalogue` is one.

    Items stand in rows, which hold until memory changes: within one request.
    """

    @property
    def offset(self) -> int:
        """The offset of the log up to which every change of an item is in, perhaps more."""
        ...

    def rows(self, ids: Sequence[str]) -> IntArray:
        """(n,) rows of live items; -1 for any other."""
        ...

    def attributes(self, row: int) -> Mapping[str, Any]:
        """All that it knows of the item in a row."""
        ...

    def values(self, rows: IntArray, name: str) -> list[Any]:
        """(n,) of one attribute; None for a row that has none, or is -1."""
        ...

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        """(n,) whether a condition holds; of a row -1 it says nothing that counts."""
        ...

    def changed_us(self, rows: IntArray) -> Int64Array:
        """(n,) when each last changed, microseconds since 1970 UTC; 0 for a row -1."""
        ...


class Listed(Protocol):
    """What a search found; `retrieval.index.Hits` is one."""

    @property
    def ids(self) -> Sequence[str]:
        """Best first, no id twice."""
        ...

    @property
    def scores(self) -> Float32Array:
        """(len(ids),) float32, higher is nearer."""
        ...

    @property
    def vectors(self) -> Float32Array | None:
        """(len(ids), dimension) float32 of the items, where the search was asked for them."""
        ...


class Nearest(Protocol):
    """Items by vector; any `retrieval.index.VectorIndex` is one."""

    dimension: int

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        among: Sequence[str] | None = None,
        vectors: bool = False,
    ) -> Sequence[Listed]:
        """The nearest `k` items to each of (n, dimension) queries, of those `among` if given.

        With `vectors` the items' own come with them, of the moment of the search.
        """
        ...

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        """(n, dimension) float32; NaN for an item that it does not hold."""
        ...


@runtime_checkable
class Prober(Protocol):
    """An index that can name what stands near a query without measuring how near."""

    def probe(self, queries: Float32Array, k: int) -> Sequence[Listed]:
        """About `k` items from the lists around the nearest centroids; scores are the lists'."""
        ...


class Named(Protocol):
    """The layout of profile vectors; `features.profile.layout.ProfileLayout` is one."""

    @property
    def names(self) -> Sequence[str]:
        """Of each place, such as `make=BMW` or `price:mean`."""
        ...


class Nets(Protocol):
    """The nets of one embedding space, ready to answer; `models.realtime.Nets` is one."""

    @property
    def dimension(self) -> int:
        """Of both embeddings."""
        ...

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Event types that `rank` gives probabilities of."""
        ...

    @property
    def layout(self) -> Named:
        """Of the profiles that `embed_user` takes."""
        ...

    def embed_user(
        self, profile: Float32Array, recent: Float32Array, context: Mapping[str, Any] | None
    ) -> Float32Array:
        """(dimension,) of (size,) profile and (m, dimension) recent items, newest last."""
        ...

    def rank(
        self, user: Float32Array, items: Float32Array, features: Float32Array | None
    ) -> Float32Array:
        """(n, n_outcomes) probabilities of (dimension,), (n, dimension) and (n, f) or None."""
        ...


class Lists(Protocol):
    """Items that can be named without a person."""

    def popular(self, n: int) -> Sequence[str]:
        """Up to `n` items, what most people touched first."""
        ...

    def newest(self, n: int) -> Sequence[str]:
        """Up to `n` items, the newest first."""
        ...

    def matching(self, wanted: Filter, n: int) -> Sequence[str]:
        """Up to `n` live items that pass."""
        ...


class People(Protocol):
    """Who people are."""

    def person(self, user_id: str | None, anonymous_id: str | None, now_us: int) -> Person:
        """What is known of them now; both None: of anybody."""
        ...


class Attributes(Protocol):
    """What is known of candidates, by their rows; see `pipeline.attributes`."""

    def __len__(self) -> int:
        """Candidates."""
        ...

    def of(self, row: int) -> Mapping[str, Any]:
        """All that is known of one; empty where nothing is."""
        ...

    def values(self, rows: Sequence[int], name: str) -> list[Any]:
        """(len(rows),) of one attribute; None for an item that has none."""
        ...

    def holding(self, condition: Condition) -> BoolArray:
        """(n,) whether the condition holds, or nothing is known of the item."""
        ...

    def changed_us(self) -> Int64Array:
        """(n,) when each last changed, microseconds since 1970 UTC; 0: unknown."""
        ...

    def remembered(self, rows: Sequence[int] | Int64Array) -> BoolArray:
        """(len(rows),) whether memory holds the item as a live one."""
        ...

    def with_read(self, read: Mapping[int, Mapping[str, Any]]) -> Attributes:
        """With all that the store said of some rows since; times of change stay."""
        ...

    def take(self, rows: Sequence[int]) -> Attributes:
        """Of these rows, in their order."""
        ...


class RequestFeatures(Protocol):
    """What the rank net reads beside the two embeddings."""

    @property
    def fingerprint(self) -> str:
        """Of their schema; logged with the values."""
        ...

    def rows(
        self,
        person: Person,
        attributes: Attributes,
        context: Mapping[str, Any] | None,
    ) -> Float32Array:
        """(n, f) float32, one row an item."""
        ...


class Trials(Protocol):
    """How often new items were tried, and how that went."""

    def counts(self, ids: Sequence[str]) -> Float64Array:
        """(n, 2): times shown, and times taken, of each item; zeros for one never shown."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """All that a pipeline reads. What is None is done without.

    Attributes:
        items: The last word on what may be shown.
        nets: Embed the person and rank.
        index: Of the nets' space.
        lists: Popular, new and matching items.
        people: Reads who asks, where the request does not bring it.
        remembered: Attributes without a round trip; `items` then looks at the finalists alone.
        features: Of the request, for the rank net.
        trials: For Thompson sampling.
    """

    items: ItemStates
    nets: Nets | None = None
    index: Nearest | None = None
    lists: Lists | None = None
    people: People | None = None
    remembered: Remembered | None = None
    features: RequestFeatures | None = None
    trials: Trials | None = None
