"""Snapshots of an index in the object store, and the pointer that says which one to load.

An object `index/SPACE/NAME` never changes. It holds `snapshot.json` (what it reflects, and the
checksum of the index's own head) and the index's files, whose checksums that head has; the pointer
`index/SPACE` holds the checksum of `snapshot.json`. So whoever follows the pointer proves every
byte before it is used.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from palate.errors import BundleError, StoreError
from palate.events.identity import now_us, uuid7
from palate.release.files import sha256_of
from palate.retrieval.index.base import Metric
from palate.retrieval.index.files import read_index, write_index
from palate.retrieval.index.local import LocalIndex
from palate.store.base import ObjectStore, Pointer

__all__ = ["Entry", "Manifest", "Pointing", "Snapshots"]

_FORMAT: Final = 1
_MANIFEST: Final = "snapshot.json"
_HEAD: Final = "index.json"  # of the index's own files
_ROOT: Final = "index"
_HINT: Final = "the one before goes on answering; publish another"

logger = logging.getLogger(__name__)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot reflects.

    Attributes:
        format: Of this file.
        space: Whose vectors.
        dimension: Of them.
        metric: What nearest means.
        items: How many it holds.
        item_offset: The newest change of an item, in the event log, that is in it.
        embeddings_offset: The offset of `item_embeddings` that it reflects; replay begins there.
        sample: Some of its items, by which it is compared with what it replaces.
        made_at: Microseconds since 1970 UTC.
        index_sha256: Of the index's head, which has the checksums of its arrays.
    """

    format: int = _FORMAT
    space: str
    dimension: int
    metric: Metric
    items: int
    item_offset: int
    embeddings_offset: int
    sample: tuple[str, ...]
    made_at: int
    index_sha256: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A snapshot as the pointer names it.

    Attributes:
        snapshot: Its key in the object store.
        sha256: Of its manifest.
        embeddings_offset: As in the manifest.
    """

    snapshot: str
    sha256: str
    embeddings_offset: int


class Pointing(msgspec.Struct, frozen=True):
    """What the pointer of a space holds.

    Attributes:
        entries: Newest first: what to load, and what was pointed to before.
    """

    entries: tuple[Entry, ...]

    @property
    def current(self) -> Entry:
        """What to load."""
        return self.entries[0]

    @property
    def replay_from(self) -> int:
        """The topic is needed after this offset, for any of these snapshots."""
        return min(entry.embeddings_offset for entry in self.entries)

    def is_behind(self, entry: Entry) -> bool:
        """Whether the pointer was moved back behind `entry`: it is gone, and nothing is newer."""
        return (
            entry not in self.entries and self.current.embeddings_offset <= entry.embeddings_offset
        )


class Snapshots:
    """Publishes snapshots, finds the newest, proves and loads it.

    Args:
        objects: Where they lie.
        pointer: Says which is the newest of each space.
        keep: So many of each space stay.
    """

    def __init__(self, objects: ObjectStore, pointer: Pointer, *, keep: int = 2) -> None:
        self._objects = objects
        self._pointer = pointer
        self._keep = keep

    # ------------------------------------------------------------------ read

    def pointed(self, space: str) -> tuple[Pointing, int] | None:
        """What is pointed to, and its version; None where there is no snapshot.

        Raises:
            StoreError: The pointer cannot be read, or holds something else.
        """
        pointing, version = self._read(space)
        return (pointing, version) if pointing.entries else None

    def spaces(self) -> list[str]:
        """The spaces that have any snapshot, pointed to or not, by name."""
        return sorted({key.split("/")[1] for key in self._objects.keys(f"{_ROOT}/")})

    def manifest(self, entry: Entry) -> Manifest:
        """What a snapshot reflects, proven by the pointer's checksum; its index stays unread.

        Raises:
            BundleError: It is missing, altered, or of another format.
        """
        with _whole(entry):
            return _manifest_in(self._objects.fetch(entry.snapshot), entry)

    def load(self, entry: Entry) -> tuple[LocalIndex, Manifest]:
        """Prove a snapshot and map its files.

        Raises:
            BundleError: It is missing, altered, of another format, or not what it says.
        """
        with _whole(entry):
            folder = self._objects.fetch(entry.snapshot)
            manifest = _manifest_in(folder, entry)
            if sha256_of(folder / _HEAD) != manifest.index_sha256:
                raise BundleError(f"the index of {entry.snapshot} was altered", hint=_HINT)
            index, _ = read_index(folder)
        if (len(index), index.dimension) != (manifest.items, manifest.dimension):
            raise BundleError(
                f"{entry.snapshot} holds {len(index)} items of {index.dimension} numbers, and "
                f"says {manifest.items} of {manifest.dimension}"
            )
        return index, manifest

    # ------------------------------------------------------------------ change

    def publish(
        self,
        index: LocalIndex,
        *,
        space: str,
        item_offset: int,
        embeddings_offset: int,
        sample: Sequence[str] = (),
        after: Entry | None = None,
    ) -> Entry:
        """Keep the index as it is now, and point to it; what is pointed to afterwards.

        The index must not change meanwhile. Where somebody else has pointed to a snapshot that
        reflects more, that one stays and ours goes away.

        Args:
            index: Of one space.
            space: Whose vectors.
            item_offset: As in the manifest.
            embeddings_offset: As in the manifest.
            sample: As in the manifest.
            after: What the index went on from. Where the pointer was moved back behind that
                meanwhile, the index is what was left: it is not pointed to.

        Raises:
            StoreError: The object store or the pointer failed, or the pointer was moved back; what
                was pointed to stays.
        """
        manifest = Manifest(
            space=space,
            dimension=index.dimension,
            metric=index.metric,
            items=len(index),
            item_offset=item_offset,
            embeddings_offset=embeddings_offset,
            sample=tuple(sample),
            made_at=now_us(),
        )
        entry = self._put(index, manifest)
        pointing = self._point(space, entry, after)
        self._prune(space, pointing)
        if pointing.current != entry:
            self._objects.remove(entry.snapshot)
            if after is not None and pointing.is_behind(after):
                raise StoreError(f"space {space} was rolled back while a snapshot was written")
        return pointing.current

    def roll_back(self, space: str, *, leaving: Entry | None = None) -> Entry:
        """Prove the snapshot before, point to it, forget the newest; what is pointed to now.

        Args:
            space: Whose.
            leaving: What the caller takes for the newest, if that matters.

        Raises:
            StoreError: There is none before, or somebody else changed the pointer just now.
            BundleError: The one before is damaged: nobody could load it. The newest stays.
        """
        found = self.pointed(space)
        if found is None or len(found[0].entries) < 2:
            raise StoreError(
                f"space {space} has no snapshot before the newest",
                hint="the next snapshot of the indexer replaces it: mend what made it bad",
            )
        pointing, version = found
        before = Pointing(pointing.entries[1:])
        try:
            self.load(before.current)
        except BundleError as error:
            raise BundleError(
                f"space {space} cannot go back: {error.message}",
                hint="the next snapshot of the indexer replaces the newest: mend what made it bad",
            ) from error
        if (leaving is not None and leaving != pointing.current) or (
            self._set(space, before, version) is None
        ):
            raise _raced(space)
        return before.current

    def withdraw(self, space: str) -> None:
        """Point to no snapshot of a space, and remove them all; the space begins anew.

        Raises:
            StoreError: Somebody else changed the pointer just now.
        """
        _, version = self._read(space)
        if self._set(space, Pointing(()), version) is None:
            raise _raced(space)
        self._prune(space, Pointing(()))

    def withdraw_beyond(self, head: int) -> None:
        """Withdraw every space whose snapshots reflect more than a topic that ends at `head`.

        They count offsets of another topic, which was deleted, or replaced by an older copy.

        Raises:
            StoreError: As for `withdraw`.
        """
        for space in self.spaces():
            pointing, _ = self._read(space)
            if any(entry.embeddings_offset > head for entry in pointing.entries):
                logger.warning("the snapshots of space %s are of another topic: withdrawn", space)
                self.withdraw(space)

    def _prune(self, space: str, pointing: Pointing) -> None:
        """Remove the snapshots of a space that are older than what is pointed to; of none, all.

        What reflects more may be somebody's who is about to point to it. A replica that has one
        open keeps it: its files go when the last one closes them.
        """
        named = {entry.snapshot for entry in pointing.entries}
        for key in list(self._objects.keys(f"{_name(space)}/")):
            if key not in named and (not named or key < pointing.current.snapshot):
                self._objects.remove(key)

    def _put(self, index: LocalIndex, manifest: Manifest) -> Entry:
        key = f"{_name(manifest.space)}/{manifest.embeddings_offset:012d}-{uuid7()}"
        with tempfile.TemporaryDirectory(prefix="palate-") as temporary:
            folder = Path(temporary) / "snapshot"
            about = {"space": manifest.space, "embeddings_offset": manifest.embeddings_offset}
            write_index(index, folder, about)
            whole = msgspec.structs.replace(manifest, index_sha256=sha256_of(folder / _HEAD))
            (folder / _MANIFEST).write_bytes(msgspec.json.encode(whole))
            entry = Entry(key, sha256_of(folder / _MANIFEST), manifest.embeddings_offset)
            self._objects.publish(key, folder)
        return entry

    def _point(self, space: str, entry: Entry, after: Entry | None) -> Pointing:
        """By compare-and-set, again where somebody was faster, and never to what reflects less."""
        while True:
            pointing, version = self._read(space)
            before = pointing.entries
            if before and after is not None and pointing.is_behind(after):
                return pointing
            if before and before[0].embeddings_offset > entry.embeddings_offset:
                logger.warning("%s is older than what is pointed to: it is dropped", entry.snapshot)
                return pointing
            pointing = Pointing((entry, *before)[: self._keep])
            if self._set(space, pointing, version) is not None:
                return pointing

    def _read(self, space: str) -> tuple[Pointing, int]:
        found = self._pointer.get(_name(space))
        if found is None:
            return Pointing(()), 0
        try:
            return msgspec.json.decode(found.value, type=Pointing), found.version
        except msgspec.DecodeError as error:
            raise StoreError(f"the pointer {_name(space)!r} holds no snapshot: {error}") from error

    def _set(self, space: str, pointing: Pointing, version: int) -> int | None:
        return self._pointer.set(_name(space), msgspec.json.encode(pointing), expected=version)


@contextmanager
def _whole(entry: Entry) -> Iterator[None]:
    """Faults of reading a snapshot, as one that names it."""
    try:
        yield
    except (OSError, msgspec.DecodeError, StoreError) as error:
        raise BundleError(f"{entry.snapshot} is no whole snapshot: {error}") from error


def _manifest_in(folder: Path, entry: Entry) -> Manifest:
    """The manifest that the pointer names, and no other."""
    if sha256_of(folder / _MANIFEST) != entry.sha256:
        raise BundleError(f"the manifest of {entry.snapshot} was altered", hint=_HINT)
    manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    if manifest.format != _FORMAT:
        raise BundleError(
            f"{entry.snapshot} has format {manifest.format}; this Palate reads {_FORMAT}"
        )
    return manifest


def _raced(space: str) -> StoreError:
    return StoreError(
        f"the pointer {_name(space)!r} was changed by somebody else just now",
        hint="look, and try again",
    )


def _name(space: str) -> str:
    """Of a space's pointer, and of its folder of objects."""
    return f"{_ROOT}/{space}"
