"""Building an index anew in another process while this one goes on, and catching up with it.

The index is written as a snapshot; a child process maps it, learns lists for what it holds, and
writes a new snapshot; the new index is read from there, and what was put or deleted meanwhile is
carried over. No thread of this process computes for longer than that takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from palate.errors import StoreError
from palate.retrieval.index.files import read_index, write_index
from palate.retrieval.index.local import LocalIndex
from palate.types import Float32Array

__all__ = ["Rebuild", "build_anew"]

_OLD, _NEW, _QUERIES = "old", "new", "queries.npy"
_NICE: Final = 10  # the child gives way to whoever serves
_SAID: Final = 2000  # bytes of what a failed child wrote


class Rebuild:
    """One rebuild; it starts at once. Close it, or use it in a `with` block.

    Args:
        index: To be built anew; it may be searched and changed all the while.
        folder: Empty or new; the new snapshot comes to be in `folder/new`.
        about: Of the new snapshot: what the index reflects now, such as log offsets. Whoever
            publishes the snapshot has others replay their log from there.
        recall: As for `LocalIndex.build`.
        queries: As for `LocalIndex.build`.

    Raises:
        BundleError: The snapshot cannot be written.
    """

    def __init__(
        self,
        index: LocalIndex,
        folder: Path,
        about: Mapping[str, Any] | None = None,
        *,
        recall: float = 0.98,
        queries: Float32Array | None = None,
    ) -> None:
        self._index = index
        self.snapshot = folder / _NEW
        self._touched = index.watch()  # before the snapshot: what is in both does no harm
        try:
            write_index(index, folder / _OLD, about)
            if queries is not None:
                np.save(folder / _QUERIES, queries)
            self._child = subprocess.Popen(
                [sys.executable, "-m", __name__, str(folder), f"{recall}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except BaseException:
            index.unwatch(self._touched)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """Whether the child has ended, well or not."""
        return self._child.poll() is not None

    def take(self) -> LocalIndex:
        """The new index with every change so far, once the child has ended; waits for it.

        Call it from the thread that changes the index: what is changed in the old one after
        this returns is not in the new one, which is the one to change from now on.

        Raises:
            StoreError: The child failed; the old index is as good as before.
            BundleError: What it wrote is damaged.
        """
        said = self._child.communicate()[1]
        if self._child.returncode:
            raise StoreError(
                f"the rebuild of an index failed ({self._child.returncode}): "
                f"{said[-_SAID:].decode(errors='replace').strip()}",
                hint="the old index goes on; look at memory and disk, and try again",
            )
        fresh, _ = read_index(self.snapshot)
        while self._touched:
            self._carry_over(fresh)
        return fresh

    def close(self) -> None:
        """End the child, if it still runs; the index is watched no more."""
        self._index.unwatch(self._touched)
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._child.stderr is not None:
            self._child.stderr.close()

    def _carry_over(self, fresh: LocalIndex) -> None:
        """Bring what was touched to the state that it has now."""
        with self._index.still():  # the set does not grow meanwhile
            ids = list(self._touched)
            self._touched.clear()
        vectors = self._index.vectors(ids)
        is_held = np.isfinite(vectors[:, 0])
        held, gone = np.flatnonzero(is_held), np.flatnonzero(~is_held)
        fresh.upsert([ids[place] for place in held], vectors[held])
        fresh.delete([ids[place] for place in gone])


def build_anew(folder: Path, recall: float) -> None:
    """Beside the snapshot `old` in a folder, write `new`: the same items, in lists of their own.

    Raises:
        BundleError: The old one is damaged, or the new one cannot be written.
    """
    index, about = read_index(folder / _OLD)
    ids, vectors = index.items()
    queries = np.load(folder / _QUERIES) if (folder / _QUERIES).is_file() else None
    fresh = LocalIndex.build(ids, vectors, index.metric, recall=recall, queries=queries)
    write_index(fresh, folder / _NEW, about)


if __name__ == "__main__":
    os.nice(_NICE)
    build_anew(Path(sys.argv[1]), float(sys.argv[2]))
