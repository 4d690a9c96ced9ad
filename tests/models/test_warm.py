"""Warming needs a fitted model, and changes none."""

from __future__ import annotations

import pytest

from palate.errors import NotFittedError
from palate.models.build import build
from palate.models.warm import warm
from palate.plugins import model_names
from palate.testing.checkerboard import checkerboard


@pytest.mark.parametrize("name", model_names())
def test_warms_every_model(name: str) -> None:
    board = checkerboard()
    model = build(name).fit(board)
    before = model.recommend(board.user_vocabulary.ids)
    warm(model)
    assert model.recommend(board.user_vocabulary.ids).equals(before)


def test_an_unfitted_model() -> None:
    with pytest.raises(NotFittedError):
        warm(build("sar"))
