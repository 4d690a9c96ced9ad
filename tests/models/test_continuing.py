"""A model that cannot learn on says so, and what to do."""

from __future__ import annotations

import pytest

from palate.errors import UnsupportedError
from palate.models.continuing import continuing
from palate.models.popular import Popular


def test_a_model_that_cannot_learn_on_says_what_to_do() -> None:
    with pytest.raises(UnsupportedError, match="popular cannot continue") as caught:
        continuing(Popular())
    assert caught.value.hint is not None
    assert "palate train popular" in caught.value.hint


def test_a_model_that_can_is_given_back() -> None:
    pytest.importorskip("onnxruntime")
    from palate.models.realtime import Realtime

    model = Realtime()
    assert continuing(model) is model
    assert "continue_fit" in model.capabilities
