"""Nets and evidence as named arrays, for a model's state."""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from palate.errors import BundleError
from palate.features.profile.evidence import ItemEvidence
from palate.models.realtime import files
from palate.models.realtime.nets import Nets

__all__ = ["evidence_arrays", "evidence_from", "nets_arrays", "nets_from"]

NETS: Final = "nets/"
EVIDENCE: Final = "evidence/"
ARRAYS: Final = ("indptr", "values", "shares", "numbers")


def nets_arrays(nets: Nets) -> dict[str, np.ndarray]:
    """Each file as bytes."""
    return {f"{NETS}{name}": _bytes(content) for name, content in sorted(nets.files().items())}


def nets_from(state: dict[str, np.ndarray]) -> Nets:
    """What `nets_arrays` was made of.

    Raises:
        ValueError: A file is missing, damaged, or of another version.
    """
    parts = {
        name.removeprefix(NETS): array.tobytes()
        for name, array in state.items()
        if name.startswith(NETS)
    }
    try:
        return Nets(files.checked(parts))
    except BundleError as error:
        raise ValueError(str(error)) from error


def evidence_arrays(evidence: ItemEvidence | None) -> dict[str, np.ndarray]:
    """Arrays of it, and what is text as JSON; nothing of None."""
    if evidence is None:
        return {}
    texts = [evidence.fingerprint, evidence.names, evidence.numbered]
    said = {f"{EVIDENCE}texts": _bytes(json.dumps(texts).encode())}
    return said | {f"{EVIDENCE}{name}": getattr(evidence, name) for name in ARRAYS}


def evidence_from(state: dict[str, np.ndarray]) -> ItemEvidence | None:
    """What `evidence_arrays` was made of.

    Raises:
        KeyError: An array is missing.
        ValueError: The text is none.
    """
    if f"{EVIDENCE}texts" not in state:
        return None
    fingerprint, names, numbered = json.loads(state[f"{EVIDENCE}texts"].tobytes())
    indptr, values, shares, numbers = (state[f"{EVIDENCE}{name}"] for name in ARRAYS)
    pairs = tuple((name, value) for name, value in names)
    return ItemEvidence(fingerprint, pairs, indptr, values, shares, tuple(numbered), numbers)


def _bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)
