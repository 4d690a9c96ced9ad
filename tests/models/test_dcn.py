"""DCN-v2: the laws of click models, in both structures and with a rank."""

from __future__ import annotations

from typing import Any

from palate.models.dcn import DCN, DCNConfig
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance, click_board

SMALL: dict[str, Any] = {
    "k": 4,
    "hidden": (8,),
    "layers": 2,
    "sigma": 0.3,
    "epochs": 4,
    "batch_size": 50,
    "learning_rate": 0.03,
    "lambda_v": 0.0,
    "average": 0.5,
    "dropout": 0.0,
}


class TestDCN(ClickModelConformance):
    model = DCN(CLICK_COLUMNS, DCNConfig(**SMALL))


class TestDCNOfARankStacked(ClickModelConformance):
    model = DCN(CLICK_COLUMNS, DCNConfig(**SMALL, rank=4, structure="stacked"))


def test_a_rank_has_two_narrow_matrices() -> None:
    board = click_board()
    whole = DCN(CLICK_COLUMNS, DCNConfig(**SMALL)).fit(board, "click").arrays()
    narrow = DCN(CLICK_COLUMNS, DCNConfig(**SMALL, rank=3)).fit(board, "click").arrays()
    width = 4 * 4 + 1  # four fields of four, and the price itself
    assert whole["cross.0.weight"].shape == (width, width)
    assert narrow["cross.0.weight"].shape == (width, 3)
    assert narrow["cross.0.down.weight"].shape == (3, width)
    assert "cross.2.weight" not in whole
