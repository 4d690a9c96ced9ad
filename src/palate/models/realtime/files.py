"""The nets on disk: three ONNX graphs, what makes their inputs, and a head with checksums."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from palate.errors import BundleError, StoreError
from palate.features.columns import Columns
from palate.features.profile.layout import ProfileLayout
from palate.models.arrays import from_npz, to_npz
from palate.models.realtime.ids import TrainedIds
from palate.models.realtime.items import ItemEncoder
from palate.types import Float32Array

__all__ = [
    "FORMAT",
    "GRAPHS",
    "HEAD",
    "Head",
    "checked",
    "encoder_of",
    "head_of",
    "layout_of",
    "newcomers_of",
    "packed",
    "read",
    "with_newcomers",
]

FORMAT: Final = 2
HEAD: Final = "nets.json"
GRAPHS: Final = ("item.onnx", "user.onnx", "rank.onnx")
LAYOUT: Final = "layout.json"
IDS: Final = "ids.npz"
COLUMNS: Final = ("columns.json", "columns.npz")
NEWCOMERS: Final = "newcomers.npz"  # no vector depends on it
_SPACED: Final = ("item.onnx", "user.onnx", LAYOUT, IDS, *COLUMNS)  # what a vector depends on


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`nets.json`.

    Attributes:
        format: Of the files.
        space: Of the vectors.
        dimension: Of the space.
        recent: Newest items that UserNet reads.
        context: Whether UserNet and RankNet read the moment.
        outcomes: Of RankNet.
        worth: Of each outcome, as the training data's settings had it.
        texts: Attributes whose words are read.
        vectors: Attributes that are vectors, with their sizes.
        buckets: Rows that trained ids share; 0 where ids are not read.
        sha256: Of each other file.
    """

    format: int
    space: str
    dimension: int
    recent: int
    context: bool
    outcomes: tuple[str, ...]
    worth: tuple[float, ...]
    texts: tuple[str, ...]
    buckets: int
    sha256: dict[str, str]
    vectors: tuple[tuple[str, int], ...] = ()


def packed(
    graphs: Mapping[str, bytes],
    encoder: ItemEncoder,
    layout: ProfileLayout | None,
    *,
    dimension: int,
    recent: int,
    context: bool,
    outcomes: Mapping[str, float],
) -> dict[str, bytes]:
    """Contents of all files.

    Args:
        graphs: By the names of `GRAPHS`.
        encoder: Makes ItemNet's input.
        layout: Of profiles; None where none is read.
        dimension: Of the space.
        recent: Newest items that UserNet reads.
        context: Whether the moment is read.
        outcomes: What each is worth, in RankNet's order.
    """
    parts = dict(graphs)
    if layout is not None:
        parts[LAYOUT] = layout.to_bytes()
    if encoder.ids is not None:
        parts[IDS] = to_npz({"hashes": encoder.ids.hashes})
    if encoder.columns is not None:
        with tempfile.TemporaryDirectory(prefix="palate-") as temporary:
            encoder.columns.save(Path(temporary))
            parts |= {name: (Path(temporary) / name).read_bytes() for name in COLUMNS}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(parts.items())}
    spaced = "".join(sums.get(name, "") for name in _SPACED)
    head = Head(
        format=FORMAT,
        space=hashlib.sha256(spaced.encode()).hexdigest()[:16],
        dimension=dimension,
        recent=recent,
        context=context,
        outcomes=tuple(outcomes),
        worth=tuple(outcomes.values()),
        texts=encoder.texts,
        vectors=encoder.vectors,
        buckets=0 if encoder.ids is None else encoder.ids.buckets,
        sha256=sums,
    )
    parts[HEAD] = _written(head)
    return parts


def _written(head: Head) -> bytes:
    return msgspec.json.format(msgspec.json.encode(head), indent=1) + b"\n"


def with_newcomers(parts: Mapping[str, bytes], vectors: Float32Array) -> dict[str, bytes]:
    """The same files, and what made-up newcomers look for: (m, dimension) float32."""
    content = to_npz({"vectors": vectors})
    head = head_of(parts)
    sums = {**head.sha256, NEWCOMERS: hashlib.sha256(content).hexdigest()}
    head = msgspec.structs.replace(head, sha256=dict(sorted(sums.items())))
    return {**parts, NEWCOMERS: content, HEAD: _written(head)}


def newcomers_of(parts: Mapping[str, bytes], head: Head) -> Float32Array:
    """(m, dimension) float32, what made-up newcomers look for; none where that was not kept.

    Raises:
        BundleError: They are of another shape or dtype.
    """
    if NEWCOMERS not in parts:
        return np.empty((0, head.dimension), np.float32)
    vectors = from_npz(parts[NEWCOMERS]).get("vectors", np.empty(0))
    if vectors.dtype != np.float32 or vectors.shape[1:] != (head.dimension,):
        raise BundleError(f"{NEWCOMERS} holds no vectors of {head.dimension} numbers")
    return vectors


def read(folder: Path) -> dict[str, bytes]:
    """All files that the head names.

    Raises:
        BundleError: One cannot be read.
    """
    try:
        parts = {HEAD: (folder / HEAD).read_bytes()}
        return parts | {name: (folder / name).read_bytes() for name in head_of(parts).sha256}
    except OSError as error:
        raise BundleError(f"{folder} holds no nets: {error}") from error


def checked(parts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The same, if every content is the one that was written.

    Raises:
        BundleError: One is missing or altered.
    """
    for name, wanted in head_of(parts).sha256.items():
        content = parts.get(name)
        if content is None or hashlib.sha256(content).hexdigest() != wanted:
            raise BundleError(
                f"{name} is not the file that was saved with these nets",
                hint="copy the nets again, or fit and save the model again",
            )
    return parts


def head_of(parts: Mapping[str, bytes]) -> Head:
    """The head.

    Raises:
        BundleError: It is missing, damaged, or of another version; or a graph is not named.
    """
    try:
        head = msgspec.json.decode(parts[HEAD], type=Head)
    except (KeyError, msgspec.DecodeError) as error:
        raise BundleError(f"{HEAD} is no head of nets: {error}") from error
    names = set(head.sha256)
    if head.format != FORMAT or not set(GRAPHS) <= names <= {*GRAPHS, *_SPACED, NEWCOMERS}:
        raise BundleError(
            f"{HEAD} is of another version than {FORMAT}, or names other files",
            hint="fit and save the model again",
        )
    return head


def layout_of(parts: Mapping[str, bytes]) -> ProfileLayout | None:
    """The profiles' layout.

    Raises:
        BundleError: It is damaged.
    """
    if LAYOUT not in parts:
        return None
    try:
        return ProfileLayout.from_bytes(parts[LAYOUT])
    except StoreError as error:
        raise BundleError(f"{LAYOUT} cannot be read: {error}") from error


def encoder_of(parts: Mapping[str, bytes], head: Head) -> ItemEncoder:
    """What makes ItemNet's input.

    Raises:
        BundleError: A file is damaged.
    """
    columns, ids = None, None
    if COLUMNS[0] in parts:
        with tempfile.TemporaryDirectory(prefix="palate-") as temporary:
            for name in COLUMNS:
                (Path(temporary) / name).write_bytes(parts[name])
            columns = Columns.load(Path(temporary))
    if IDS in parts:
        hashes = from_npz(parts[IDS]).get("hashes", np.empty(0))
        if hashes.dtype != np.uint64 or hashes.ndim != 1 or head.buckets < 1:
            raise BundleError(f"{IDS} holds no hashes of ids")
        ids = TrainedIds(hashes, head.buckets)
    return ItemEncoder(columns, head.texts, ids, head.vectors)
