"""A graph that answers: what it cannot take is an error that stages and batches know."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from palate.errors import BundleError, DataError
from palate.models.nets.onnx_graph import Graph
from palate.models.realtime.graph import Session


def _doubled() -> Session:
    layer = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(2 * torch.eye(2))
    graph = Graph("doubled", {"x": (np.float32, ("n", 2))})
    return Session(graph.written(graph.linear("x", layer), ("n", 2)), "doubled.onnx")


def test_it_answers_and_leaves_out_what_it_does_not_read() -> None:
    found = _doubled()(x=np.array([[1, 3]], np.float32), y=np.zeros(1, np.float32))

    np.testing.assert_allclose(found, [[2, 6]], rtol=1e-6)


@pytest.mark.parametrize(
    "x", [np.ones((1, 3), np.float32), np.ones((1, 2), np.float64), np.ones(2, np.float32), None]
)
def test_what_it_cannot_take_is_an_error_of_ours(x: np.ndarray | None) -> None:
    with pytest.raises(DataError, match=r"doubled\.onnx cannot answer"):
        _doubled()(**({} if x is None else {"x": x}))


def test_no_graph_is_refused() -> None:
    with pytest.raises(BundleError, match=r"broken\.onnx is no graph"):
        Session(b"nothing", "broken.onnx")
