from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.askers import ReleasedAskers, nobody
from palate.testing.encoder import FakeEncoder
from palate.types import Float32Array


class Asked(FakeEncoder):
    """An item net whose release keeps what newcomers look for."""

    def __init__(self, space: str, newcomers: Float32Array) -> None:
        super().__init__(space)
        self.newcomers = newcomers


QUERIES = np.eye(8, dtype=np.float32)


def test_what_the_release_of_the_space_keeps() -> None:
    encoders = [FakeEncoder("aaaa"), Asked("bbbb", -QUERIES), Asked("cccc", QUERIES)]
    askers = ReleasedAskers(lambda: encoders)
    assert askers("cccc") is QUERIES
    assert askers("aaaa") is None, "its nets keep nothing"
    assert askers("dddd") is None, "no release has it"


@pytest.mark.parametrize("wrong", [QUERIES[:, :3], QUERIES * np.float32(np.nan)])
def test_what_is_no_vector_of_the_space_stops_no_index(
    wrong: Float32Array, caplog: pytest.LogCaptureFixture
) -> None:
    askers = ReleasedAskers(lambda: [Asked("aaaa", wrong)])
    assert askers("aaaa") is None
    assert "space aaaa" in caplog.text


def test_nobody_was_asked() -> None:
    askers = ReleasedAskers(lambda: [Asked("aaaa", QUERIES[:0])])
    assert askers("aaaa") is None
    assert nobody("aaaa") is None
