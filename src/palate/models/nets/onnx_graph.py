"""An ONNX graph written node by node: the same bytes for the same weights, in milliseconds.

torch's exporter traces a net in seconds a graph, and what it writes changes with its version;
these nets are a dozen operators each. Tests hold the graphs to torch's answers within 1e-4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from palate._optional import require

__all__ = ["Graph"]

OPSET: Final = 17  # of 2022: any ONNX Runtime from 1.12 on reads it
IR_VERSION: Final = 8


class Graph:
    """A graph under construction; values are named by what made them.

    graph = Graph("item", {"x": (np.float32, ("n", 8))})
    content = graph.written(graph.linear("x", layer), ("n", 4))
    """

    def __init__(self, name: str, inputs: Mapping[str, tuple[type, tuple[int | str, ...]]]) -> None:
        onnx = require("onnx", extra="train")
        self._helper: Any = onnx.helper
        self._to_tensor: Any = onnx.numpy_helper.from_array
        self._name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs = [self._info(one, *said) for one, said in inputs.items()]

    def _info(self, name: str, kind: type, shape: tuple[int | str, ...]) -> Any:
        dtype = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self._helper.make_tensor_value_info(name, dtype, list(shape))

    def node(self, operator: str, *inputs: str, attributes: Mapping[str, Any] | None = None) -> str:
        """The name of the operator's output."""
        out = f"{operator}_{len(self._nodes)}"
        said = {} if attributes is None else attributes
        made = self._helper.make_node(operator, list(inputs), [out], name=out, **said)
        self._nodes.append(made)
        return out

    def weight(self, values: torch.Tensor | np.ndarray | float) -> str:
        """The name of a constant; a plain number is a float32."""
        if isinstance(values, torch.Tensor):
            values = values.detach().numpy()
        array = np.asarray(values, np.float32) if isinstance(values, float) else values
        name = f"weight_{len(self._weights)}"
        self._weights.append(self._to_tensor(np.ascontiguousarray(array), name))
        return name

    def ints(self, *values: int) -> str:
        """The name of a constant of axes or of a shape."""
        return self.weight(np.array(values, np.int64))

    def linear(self, x: str, layer: torch.nn.Linear) -> str:
        """Rows x become x W' + b."""
        given = [x, self.weight(layer.weight)]
        if layer.bias is not None:
            given.append(self.weight(layer.bias))
        return self.node("Gemm", *given, attributes={"transB": 1})

    def unit(self, x: str, least: float) -> str:
        """Rows of length 1."""
        length = self.node("ReduceL2", x, attributes={"axes": [1], "keepdims": 1})
        return self.node("Div", x, self.node("Max", length, self.weight(least)))

    def join(self, parts: Sequence[str]) -> str:
        """Side by side."""
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, attributes={"axis": 1})

    def written(self, last: str, shape: tuple[int | str, ...]) -> bytes:
        """The file's content, `last` being its output, called `out`."""
        self._nodes.append(self._helper.make_node("Identity", [last], ["out"], name="out"))
        graph = self._helper.make_graph(
            self._nodes,
            self._name,
            self._inputs,
            [self._info("out", np.float32, shape)],
            self._weights,
        )
        model = self._helper.make_model(
            graph,
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="palate",
        )
        content: bytes = model.SerializeToString(deterministic=True)
        return content
