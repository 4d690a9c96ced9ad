"""One item that cannot be embedded stops no other; a net that embeds nothing is told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from palate.retrieval.encoder import BrokenEncoderError, ItemEncoder, encoded
from palate.testing.encoder import FakeEncoder
from palate.types import Float32Array


def test_the_fake_satisfies_the_protocol() -> None:
    assert isinstance(FakeEncoder(), ItemEncoder)


def test_bad_items_are_isolated_and_reported() -> None:
    encoder = FakeEncoder()
    faults: dict[str, str] = {}
    ids = [f"i{n}" for n in range(100)]
    attributes: list[dict[str, Any]] = [{"price": n} for n in range(100)]
    attributes[3] = {"price": "cheap" * 10_000}
    attributes[64] = {"price": ["a", "list"]}
    attributes[65] = {"price": float("inf")}
    attributes[66] = {"price": 3, "never heard of": {"deep": [1, 2]}}
    attributes[67] = {}
    vectors = encoded(encoder, ids, attributes, faults.__setitem__)
    lost = np.flatnonzero(np.isnan(vectors).any(axis=1)).tolist()
    assert lost == [3, 64, 65]
    assert sorted(faults) == ["i3", "i64", "i65"]
    assert faults["i3"].startswith("TypeError")
    assert faults["i65"] == "its vector is not finite"
    right = encoder.embed_items(["i66", "i67"], [attributes[66], attributes[67]])
    assert np.array_equal(vectors[66:68], right)
    assert encoder.calls < 60, "halving, not one by one"


def test_items_that_all_fail_are_reported_while_the_net_works() -> None:
    faults: dict[str, str] = {}
    vectors = encoded(FakeEncoder(), ["a", "b"], [{"price": ""}, {"price": ""}], faults.__setitem__)
    assert np.isnan(vectors).all()
    assert sorted(faults) == ["a", "b"]


def test_a_net_that_embeds_nothing_is_broken() -> None:
    encoder = FakeEncoder(space="cccc")
    faults: dict[str, str] = {}
    encoder.broken = True
    with pytest.raises(BrokenEncoderError, match="cccc") as caught:
        encoded(encoder, ["a", "b"], [{}, {}], faults.__setitem__)
    assert caught.value.space == "cccc"
    assert faults == {}, "the items are not to blame"


def test_nothing_to_embed() -> None:
    assert encoded(FakeEncoder(), [], [], print).shape == (0, 8)


class OneForAll(FakeEncoder):
    """Gives one vector, whatever it is given."""

    def embed_items(
        self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
    ) -> Float32Array:
        return np.ones((1, self.dimension), np.float32)


def test_vectors_of_another_number_are_not_spread_over_the_items() -> None:
    faults: dict[str, str] = {}
    vectors = encoded(OneForAll(), ["a", "b"], [{}, {}], faults.__setitem__)
    assert vectors.shape == (2, 8), "asked one by one it is right"
    assert faults == {}
