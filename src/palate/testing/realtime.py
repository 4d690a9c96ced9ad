"""A `realtime` model whose nets are written down rather than trained: no torch, in milliseconds.

Items with like attributes lie near each other, and people lie where their newest items do:

    item = unit(sum of a random vector for each value + 0.05 numbers + 0.05 of the trained id)
    user = unit(sum of the newest items + 0.05 profile)
    P(outcome) = sigmoid(4 item . user - o)    for outcome number o

Every seed gives a space of its own.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from palate._optional import require
from palate.data.dataset import Dataset
from palate.models.realtime import files
from palate.models.realtime.events import Events
from palate.models.realtime.items import ItemEncoder
from palate.models.realtime.model import Realtime
from palate.models.realtime.nets import Nets
from palate.models.realtime.prepare import fit_encoder, fit_profiles
from palate.types import Float32Array, Progress

__all__ = ["WrittenRealtime"]

_OPSET: Final = 17
_IR_VERSION: Final = 8
_LITTLE: Final = 0.05


class WrittenRealtime(Realtime):
    """Saved and loaded as `realtime`; `config` gives the seed, the dimension and `recent`."""

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        config = self.config
        events = Events.of(dataset)
        profiles = fit_profiles(dataset, events, config)
        encoder = fit_encoder(dataset, events, config)
        layout = profiles.layout
        parts = files.packed(
            _graphs(
                encoder,
                profile=0 if layout is None else layout.size,
                outcomes=len(events.outcomes),
                shape=(config.recent, config.dimension),
                seed=config.seed,
            ),
            encoder,
            layout,
            dimension=config.dimension,
            recent=config.recent,
            context=True,
            outcomes={o: dataset.schema.event_type(o).weight for o in events.outcomes},
        )
        nets = Nets(files.checked(parts))
        rows = encoder.encode_frame(dataset.item_vocabulary.ids, dataset.items_by_row)
        self._known = np.ones(dataset.n_items, np.bool_)
        self._rank_weight = 0.0
        self._take(nets, profiles, nets.embed_rows(rows))


def _graphs(
    encoder: ItemEncoder, *, profile: int, outcomes: int, shape: tuple[int, int], seed: int
) -> dict[str, bytes]:
    m, d = shape
    rng = np.random.default_rng(seed)

    def random(n: int, scale: float = 1.0) -> Float32Array:
        return (scale * rng.standard_normal((n, d))).astype(np.float32)

    item = _Sketch(
        {
            "slots": (np.int32, encoder.n_slots),
            "weights": (np.float32, encoder.n_slots),
            "numbers": (np.float32, encoder.n_numbers),
            "ids": (np.int32, None),
        }
    )
    rows = item("Gather", item.weight(random(encoder.n_features)), "slots", axis=0)
    bag = item("MatMul", item("Unsqueeze", "weights", item.ints(1)), rows)
    parts = [item("Squeeze", bag, item.ints(1))]
    if encoder.n_numbers:
        parts.append(item("MatMul", "numbers", item.weight(random(encoder.n_numbers, _LITTLE))))
    parts.append(item("Gather", item.weight(random(encoder.n_ids, _LITTLE)), "ids", axis=0))

    user = _Sketch({"profile": (np.float32, profile), "recent": (np.float32, (m, d))})
    of_user = [user("ReduceSum", "recent", user.ints(1), keepdims=0)]
    if profile:
        of_user.append(user("MatMul", "profile", user.weight(random(profile, _LITTLE))))

    rank = _Sketch({"user": (np.float32, d), "items": (np.float32, d)})
    near = rank("ReduceSum", rank("Mul", "items", "user"), rank.ints(1), keepdims=1)
    odds = rank("Mul", near, rank.weight(np.full((1, outcomes), 4.0, np.float32)))
    odds = rank("Sub", odds, rank.weight(np.arange(outcomes, dtype=np.float32)[None]))
    return {
        "item.onnx": item.written(item.unit(parts), d),
        "user.onnx": user.written(user.unit(of_user), d),
        "rank.onnx": rank.written(rank("Sigmoid", odds), outcomes),
    }


class _Sketch:
    """An ONNX graph under construction; an input of width 0 is left out."""

    def __init__(self, inputs: dict[str, tuple[type, Any]]) -> None:
        onnx = require("onnx", extra="train")
        self._helper: Any = onnx.helper
        self._from_array: Any = onnx.numpy_helper.from_array
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs = [self._info(name, *one) for name, one in inputs.items() if one[1] != 0]

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        out = f"{operator}_{len(self._nodes)}"
        node = self._helper.make_node(operator, list(inputs), [out], name=out, **attributes)
        self._nodes.append(node)
        return out

    def weight(self, values: np.ndarray) -> str:
        name = f"weight_{len(self._weights)}"
        self._weights.append(self._from_array(np.ascontiguousarray(values), name))
        return name

    def ints(self, *values: int) -> str:
        return self.weight(np.array(values, np.int64))

    def unit(self, parts: list[str]) -> str:
        """The sum of `parts`, of length 1."""
        whole = parts[0]
        for part in parts[1:]:
            whole = self("Add", whole, part)
        length = self("ReduceL2", whole, axes=[1], keepdims=1)
        return self("Div", whole, self("Max", length, self.weight(np.array(1e-6, np.float32))))

    def written(self, last: str, width: int) -> bytes:
        nodes = [*self._nodes, self._helper.make_node("Identity", [last], ["out"], name="out")]
        outputs = [self._info("out", np.float32, width)]
        graph = self._helper.make_graph(nodes, "written", self._inputs, outputs, self._weights)
        model = self._helper.make_model(
            graph, opset_imports=[self._helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _info(self, name: str, kind: type, width: Any) -> Any:
        widths = () if width is None else width if isinstance(width, tuple) else (width,)
        dtype = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self._helper.make_tensor_value_info(name, dtype, ["n", *widths])
