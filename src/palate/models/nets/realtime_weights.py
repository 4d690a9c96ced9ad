"""Weights of the three nets read back from their ONNX graphs, so that a release can learn on.

Which constant of a graph is which weight is not written down anywhere: a net whose every weight
is a number of its own is exported beside them, and shows it. So whatever the exporter writes can
be read back, and graphs that another exporter wrote are told from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from palate._optional import require
from palate.errors import BundleError
from palate.models.nets.realtime import RealtimeNet
from palate.models.nets.realtime_export import graphs_of
from palate.models.realtime.ids import TrainedIds

__all__ = ["restore", "take_ids"]

MARK: Final = 1 << 20  # larger than any constant of a graph, exact in float32


@torch.no_grad()
def restore(net: RealtimeNet, graphs: Mapping[str, bytes], *, n_slots: int) -> None:
    """Give `net` the weights that `graphs` were written from.

    What no graph reads (RankNet's input of nothing, ids where none are read) keeps its value.

    Args:
        net: Of the sizes and config of the one that was exported.
        graphs: By name, as `graphs_of` gives them.
        n_slots: L, slots of an item.

    Raises:
        BundleError: The graphs were not written from such a net by this version.
    """
    weights = net.state_dict()
    marked = {
        name: torch.full_like(one, MARK + at) for at, (name, one) in enumerate(weights.items())
    }
    names = list(weights)
    kept = {name: one.clone() for name, one in weights.items()}
    net.load_state_dict(marked)
    found: dict[str, torch.Tensor] = {}
    for file, content in graphs_of(net, n_slots=n_slots).items():
        shown, written = _constants(content), _constants(graphs[file])
        if shown.keys() != written.keys():
            raise _another(file)
        for key, mark in shown.items():
            values = written[key]
            if mark.shape != values.shape or mark.dtype != values.dtype:
                raise _another(file)
            if mark.size and mark.dtype == np.float32 and mark.flat[0] >= MARK:
                found[names[int(mark.flat[0]) - MARK]] = torch.from_numpy(values.copy())
            elif not np.array_equal(mark, values):
                raise _another(file)
    net.load_state_dict({**kept, **found})


@torch.no_grad()
def take_ids(net: RealtimeNet, before: TrainedIds, after: TrainedIds) -> None:
    """Make the table of ids that of `after`.

    An id that `before` has keeps its vector (the mean, where ids come to share a row); one that
    is new begins at zero, which is what it read until now.

    Args:
        net: With a table of `before.n_rows` rows.
        before: The ids that it was trained on.
        after: Those and others.
    """
    old = net.item.ids.weight
    at = np.searchsorted(after.hashes, before.hashes)
    source = torch.from_numpy(before.own_rows().astype(np.int64))
    target = torch.from_numpy(after.own_rows()[at].astype(np.int64))
    sums = torch.zeros(after.n_rows, old.shape[1], dtype=torch.float64)
    sums.index_add_(0, target, old[source].double())
    counts = torch.bincount(target, minlength=after.n_rows).clamp_min(1)
    table = nn.Embedding(after.n_rows, old.shape[1], sparse=True)
    table.weight.copy_((sums / counts[:, None]).float())
    net.item.ids = table


def _constants(content: bytes) -> dict[str, np.ndarray]:
    """A graph's constants by name.

    Raises:
        BundleError: The content is no graph.
    """
    onnx: Any = require("onnx", extra="train")
    faults: Any = require("google.protobuf.message", extra="train")
    try:
        graph = onnx.load_from_string(content).graph
    except faults.DecodeError as error:
        raise BundleError(f"a graph of the nets cannot be read: {error}") from error
    return {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}


def _another(file: str) -> BundleError:
    return BundleError(
        f"{file} was written from other nets than these, so they cannot learn on from it",
        hint="train anew: palate train realtime",
    )
