"""What products are made in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from palate.train.precision import multiplies_bfloat16, product_type


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    multiplies_bfloat16.cache_clear()
    yield
    multiplies_bfloat16.cache_clear()


def test_what_is_said_is_done() -> None:
    assert product_type("float32") is torch.float32
    assert product_type("bfloat16") is torch.bfloat16


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_is_what_the_processor_has(
    told: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert product_type("auto") is expected


def test_a_torch_that_cannot_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert product_type("auto") is torch.float32
