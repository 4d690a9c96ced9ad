"""Words of text and the vectors that come with a package."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import numpy as np
import pytest

from palate.errors import MissingExtraError
from palate.models import words
from palate.models.words import has_word_vectors, word_vectors, words_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, []),
        ("", []),
        ("  ...! ", []),
        ("Ärger um den U-Bahn-Bau", ["ärger", "um", "den", "u", "bahn", "bau"]),
        ("snake_case 3,5", ["snake", "case", "3", "5"]),
    ],
)
def test_words_of(text: str | None, found: list[str]) -> None:
    assert words_of(text) == found


def test_no_words_need_no_package() -> None:
    assert word_vectors([]).shape == (0, 256)


@pytest.mark.skipif(not has_word_vectors(), reason="wordllama is not installed")
def test_words_of_like_meaning_lie_together(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the web was asked")

    monkeypatch.setattr(socket, "socket", refused)
    vectors = word_vectors(["senator", "president", "banana", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[:3], axis=1), 1, rtol=1e-5)
    assert not vectors[3].any()
    alike = vectors @ vectors.T
    assert alike[0, 1] > alike[0, 2] + 0.05


def test_without_the_package_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def hidden(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "wordllama" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    words._embedder.cache_clear()
    assert not has_word_vectors()
    with pytest.raises(MissingExtraError, match=r"palate\[text\]"):
        word_vectors(["a"])
    words._embedder.cache_clear()
