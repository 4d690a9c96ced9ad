"""Words of text, and vectors for them that came with a package: nothing is downloaded."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from palate._optional import require
from palate.types import Float32Array

__all__ = ["has_word_vectors", "word_vectors", "words_of"]

WORD: Final = re.compile(r"[^\W_]+")
PACKAGE: Final = "wordllama"


def words_of(text: str | None) -> list[str]:
    """Runs of letters and digits in lower case, in order; none of an empty or unknown text.

    >>> words_of("The Queen's 2nd visit")
    ['the', 'queen', 's', '2nd', 'visit']
    """
    return [] if text is None else WORD.findall(text.lower())


def has_word_vectors() -> bool:
    """Whether the package with word vectors is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def word_vectors(words: Sequence[str]) -> Float32Array:
    """(n, 256) float32 vectors of length 1, 0 for a word without any; needs `palate[text]`.

    A word's vector is the mean of those of its pieces. Source: WordLlama, token embeddings
    of large language models, trained for mean pooling (MIT licence, weights in its wheel).

    Raises:
        MissingExtraError: The package is not installed.
    """
    if not len(words):
        return np.empty((0, 256), np.float32)
    vectors: Float32Array = _embedder().embed(list(words), norm=False).astype(np.float32)
    lengths = np.sqrt(np.einsum("nk,nk->n", vectors, vectors))
    unit: Float32Array = vectors / np.maximum(lengths, 1e-9)[:, None]
    return unit


@cache
def _embedder() -> Any:
    """Loaded once: its folder is where the wheel put the weights, and the web is not asked."""
    package = require(PACKAGE, extra="text")
    folder = Path(str(package.__file__)).parent
    return package.WordLlama.load(cache_dir=folder, disable_download=True)
