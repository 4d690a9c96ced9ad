"""Named arrays as the bytes of an npz file, and back; no object arrays, so no pickle."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from palate.errors import BundleError

__all__ = ["from_npz", "to_npz"]


def to_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The file's content; equal arrays give equal bytes.

    Raises:
        BundleError: One is of objects, which would need pickle.
    """
    objects = [name for name, array in arrays.items() if array.dtype == object]
    if objects:
        raise BundleError(f"object arrays would need pickle: {objects}")
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy types savez loosely
    return file.getvalue()


def from_npz(content: bytes) -> dict[str, np.ndarray]:
    """The arrays by name.

    Raises:
        BundleError: It is no npz file, or holds objects.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"the arrays cannot be read: {error}") from error
