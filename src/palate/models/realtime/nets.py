"""The nets as they are served: items and users to one space, pairs to probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from palate.errors import BundleError, DataError
from palate.features.profile.layout import ProfileLayout
from palate.models.realtime import files
from palate.models.realtime.context import NAMES, context_vector
from palate.models.realtime.graph import Session
from palate.models.realtime.items import ItemEncoder, ItemRows
from palate.types import Float32Array

__all__ = ["Nets"]

ITEMS_AT_ONCE: Final = 1024


class Nets:
    """UserNet, ItemNet and RankNet, scored by ONNX Runtime; several threads may ask at once.

        nets = Nets.load(folder)
        items = nets.embed_items(ids, attributes)            # (n, dimension) float32
        user = nets.embed_user(profile, items[:3], {"timestamp": now_us})
        nets.rank(user, items, nets.request_features(context, len(items)))

    Each net can run in a process of its own: the graphs are loaded when first asked.

    Args:
        parts: Contents of the files, as `files.checked` gives them.

    Attributes:
        space: 16 hexadecimal digits that differ where any weight of UserNet or ItemNet or
            anything they read differs: vectors of two spaces never meet.
        dimension: Of the space.
        recent: Newest items that UserNet reads.
        outcomes: What RankNet gives probabilities of, in this order.
        worth: What each outcome weighed in the settings of the training data.
        layout: Of profiles; None where none is read.
        features: Names of RankNet's request features.
        encoder: Makes ItemNet's input of attributes.
        newcomers: (m, dimension) float32, what made-up visitors look for who did one thing each:
            an index is built for such queries; m is 0 where that was not kept.

    Raises:
        BundleError: A file is missing, damaged, or of another version.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        head = files.head_of(parts)
        self._parts = dict(parts)
        self.space: str = head.space
        self.dimension: int = head.dimension
        self.recent: int = head.recent
        self.outcomes: tuple[str, ...] = head.outcomes
        self.worth: tuple[float, ...] = head.worth
        self.features: tuple[str, ...] = NAMES if head.context else ()
        self.layout: ProfileLayout | None = files.layout_of(parts)
        self.encoder: ItemEncoder = files.encoder_of(parts, head)
        self.newcomers: Float32Array = files.newcomers_of(parts, head)
        self._sessions: dict[str, Session] = {}

    # ------------------------------------------------------------------ items

    def embed_items(
        self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
    ) -> Float32Array:
        """(n, dimension) float32 vectors of length 1.

        Args:
            ids: (n,) public ids; one that was never trained reads zeros.
            attributes: (n,) as `item.upserted` has them; a value that is missing, of a wrong
                type or never seen counts as such, whatever it is.

        Raises:
            DataError: The lengths differ.
        """
        if len(ids) != len(attributes):
            raise DataError(f"{len(ids)} ids and {len(attributes)} attributes of items")
        return self.embed_rows(self.encoder.encode(ids, attributes))

    def embed_rows(self, rows: ItemRows) -> Float32Array:
        """(n, dimension) float32 of what the encoder made."""
        found = np.empty((len(rows), self.dimension), np.float32)
        graph = self._graph("item.onnx")
        for start in range(0, len(rows), ITEMS_AT_ONCE):
            some = slice(start, start + ITEMS_AT_ONCE)
            found[some] = graph(
                slots=rows.slots[some],
                weights=rows.weights[some],
                numbers=rows.numbers[some],
                ids=rows.ids[some],
            )
        return found

    # ------------------------------------------------------------------ users

    def embed_user(
        self,
        profile: Float32Array,
        recent: Float32Array,
        context: Mapping[str, Any] | None = None,
    ) -> Float32Array:
        """(dimension,) float32 vector of length 1.

        Args:
            profile: (layout.size,) what `layout.vector` gives.
            recent: (m, dimension) vectors of this space, newest last; m may be 0, and of more
                than `recent` the newest count.
            context: `timestamp` in microseconds since 1970 UTC; None where unknown.

        Raises:
            DataError: A shape is wrong.
        """
        if recent.ndim != 2 or recent.shape[1] != self.dimension:
            raise DataError(f"recent items are {recent.shape}, not (m, {self.dimension})")
        newest = np.zeros((1, self.recent, self.dimension), np.float32)
        kept = recent[max(0, len(recent) - self.recent) :]
        if self.recent and len(kept):
            newest[0, self.recent - len(kept) :] = kept
        moment = context_vector(context)[None, : len(self.features)]
        alone = np.asarray(profile, np.float32)[None]
        found: Float32Array = self.embed_users(alone, newest, moment)[0]
        return found

    def embed_users(
        self, profiles: Float32Array, recent: Float32Array, contexts: Float32Array
    ) -> Float32Array:
        """(n, dimension) float32 of many.

        Args:
            profiles: (n, layout.size).
            recent: (n, self.recent, dimension), newest last, rows of zeros before them.
            contexts: (n, len(features)); zeros where unknown.

        Raises:
            DataError: A profile has not the layout's size.
        """
        size = 0 if self.layout is None else self.layout.size
        if profiles.shape[1:] != (size,) and size:
            raise DataError(
                f"profiles are {profiles.shape}, not (n, {size})", hint="use the nets' layout"
            )
        return self._graph("user.onnx")(profile=profiles, recent=recent, context=contexts)

    def asked_by(self, newcomers: Float32Array) -> Nets:
        """The same nets, which keep what these look for: (m, dimension) float32."""
        return Nets(files.with_newcomers(self._parts, newcomers))

    # ------------------------------------------------------------------ pairs

    def request_features(self, context: Mapping[str, Any] | None, n: int) -> Float32Array:
        """(n, len(features)) float32 for `rank`: the moment, the same for all candidates.

        All rows are one and the same in memory, and must not be written to.
        """
        width = len(self.features)
        row = np.ascontiguousarray(context_vector(context)[:width])
        # As `np.broadcast_to`, without its iterator.
        rows: Float32Array = np.ndarray((n, width), np.float32, row, strides=(0, row.itemsize))
        rows.flags.writeable = False
        return rows

    def rank(
        self, user: Float32Array, items: Float32Array, features: Float32Array | None = None
    ) -> Float32Array:
        """(n, len(outcomes)) float32 probabilities.

        They are those of an item among what was learned from, negatives included: right in
        their order and proportions, not as shares of what will be shown.

        Args:
            user: (dimension,).
            items: (n, dimension).
            features: (n, len(self.features)); None where nothing is known of the request.

        Raises:
            DataError: A shape is wrong.
        """
        n, width = len(items), len(self.features)
        given = np.zeros((n, width), np.float32) if features is None else features
        if user.shape != (self.dimension,) or given.shape != (n, width):
            raise DataError(
                f"a user {user.shape} with features {given.shape} is ranked; "
                f"({self.dimension},) and ({n}, {width}) are needed"
            )
        if not n:
            return np.empty((0, len(self.outcomes)), np.float32)
        alone = np.ascontiguousarray(user, np.float32)[None]
        if given.strides[0] == 0:  # as `request_features` gives them: all rows are the first
            given = given[:1]
        return self._graph("rank.onnx")(user=alone, items=items, features=given)

    # ------------------------------------------------------------------ files

    def files(self) -> dict[str, bytes]:
        """Contents by name, `nets.json` with the checksums of the others."""
        return dict(self._parts)

    def save(self, folder: Path) -> None:
        """Write the files to an empty or new folder; `nets.json` last.

        Raises:
            BundleError: The folder holds nets.
        """
        if (folder / files.HEAD).exists():
            raise BundleError(f"{folder} already holds nets", hint="save to a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in sorted(self._parts.items(), key=lambda one: one[0] == files.HEAD):
            (folder / name).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> Nets:
        """Read what `save` wrote; checksums first.

        Raises:
            BundleError: A file is missing, damaged, or of another version.
        """
        return cls(files.checked(files.read(folder)))

    def warm(self) -> None:
        """Load all three graphs and run each once, so that no request waits for it."""
        nobody = np.zeros(0 if self.layout is None else self.layout.size, np.float32)
        nothing = np.zeros((0, self.dimension), np.float32)
        user = self.embed_user(nobody, nothing, None)
        self.rank(user, self.embed_items(["warm"], [{}]))

    def _graph(self, name: str) -> Session:
        found = self._sessions.get(name)
        if found is None:  # two threads may both make it: either one serves
            found = self._sessions[name] = Session(self._parts[name], name)
        return found
