"""The three nets as four ONNX graphs: item, user, the user's half of rank, and its rest."""

from __future__ import annotations

import numpy as np
import torch

from palate.models.nets.onnx_graph import Graph
from palate.models.nets.realtime import FARTHEST, LEAST, ItemNet, RankNet, RealtimeNet, UserNet

__all__ = ["graphs_of"]


def graphs_of(net: RealtimeNet, *, n_slots: int) -> dict[str, bytes]:
    """Contents of `item.onnx`, `user.onnx`, `rank_user.onnx`, `rank.onnx`.

    Args:
        net: Trained.
        n_slots: L, slots of an item.
    """
    with torch.no_grad():
        return {
            "item.onnx": _item(net.item, net.sizes.numbers, n_slots),
            "user.onnx": _user(net.user, net.sizes.profile, net.sizes.context),
            "rank_user.onnx": _rank_user(net.rank),
            "rank.onnx": _rank(net.rank, net.sizes.context),
        }


def _item(net: ItemNet, numbers: int, n_slots: int) -> bytes:
    inputs: dict[str, tuple[type, tuple[int | str, ...]]] = {
        "slots": (np.int32, ("n", n_slots)),
        "weights": (np.float32, ("n", n_slots)),
    }
    if net.config.ids:
        inputs["ids"] = (np.int32, ("n",))
    if numbers:
        inputs["numbers"] = (np.float32, ("n", numbers))
    graph = Graph("item", inputs)
    rows = graph.node(
        "Gather", graph.weight(net.table.weight), "slots", attributes={"axis": 0}
    )  # (n, L, h)
    weights = graph.node("Unsqueeze", "weights", graph.ints(1))  # (n, 1, L)
    bag = graph.node("Squeeze", graph.node("MatMul", weights, rows), graph.ints(1))
    hidden = graph.node("Add", bag, graph.weight(net.first_bias))
    if net.numbers is not None:
        hidden = graph.node("Add", hidden, graph.linear("numbers", net.numbers))
    vectors = graph.linear(graph.node("Relu", hidden), net.out)
    if net.config.ids:
        by_id = graph.node("Gather", graph.weight(net.ids.weight), "ids", attributes={"axis": 0})
        vectors = graph.node("Add", vectors, by_id)
    return graph.written(graph.unit(vectors, LEAST), ("n", net.out.out_features))


def _user(net: UserNet, profile: int, context: int) -> bytes:
    dimension = net.out.out_features
    inputs: dict[str, tuple[type, tuple[int | str, ...]]] = {}
    if profile:
        inputs["profile"] = (np.float32, ("n", profile))
    if context:
        inputs["context"] = (np.float32, ("n", context))
    if net.m:
        inputs["recent"] = (np.float32, ("n", net.m, dimension))
    graph = Graph("user", inputs)
    parts = []
    if profile:
        moved = graph.node("Sub", "profile", graph.weight(net.mean))
        scaled = graph.node("Mul", moved, graph.weight(net.scale))
        ends = (graph.weight(-FARTHEST), graph.weight(FARTHEST))
        parts.append(graph.node("Clip", scaled, *ends))
    if context:
        parts.append("context")
    pooled = _pooled(graph, net) if net.m else None
    if pooled is not None:
        heads = len(net.gates) * dimension
        parts.append(graph.node("Reshape", pooled, graph.ints(-1, heads)))
    vectors = graph.linear(graph.node("Relu", graph.linear(graph.join(parts), net.first)), net.out)
    if pooled is not None:
        gated = graph.node("Mul", pooled, graph.weight(net.gates))
        summed = graph.node("ReduceSum", gated, graph.ints(1), attributes={"keepdims": 0})
        vectors = graph.node("Add", summed, vectors)
    return graph.written(graph.unit(vectors, LEAST), ("n", dimension))


def _pooled(graph: Graph, net: UserNet) -> str:
    """(n, heads, dimension)."""
    squares = graph.node("Mul", "recent", "recent")
    lengths = graph.node("ReduceSum", squares, graph.ints(2), attributes={"keepdims": 0})
    there = graph.node("Greater", lengths, graph.weight(0.0))
    there = graph.node("Unsqueeze", there, graph.ints(1))  # (n, 1, m)
    turned = graph.node("Transpose", "recent", attributes={"perm": [0, 2, 1]})
    logits = graph.node("MatMul", graph.weight(net.queries), turned)  # (n, heads, m)
    logits = graph.node("Add", logits, graph.weight(net.places))
    logits = graph.node("Where", there, logits, graph.weight(-1e9))
    weights = graph.node("Softmax", logits, attributes={"axis": 2})
    weights = graph.node("Where", there, weights, graph.weight(0.0))
    return graph.node("MatMul", weights, "recent")


def _rank_user(net: RankNet) -> bytes:
    graph = Graph("rank_user", {"user": (np.float32, (1, net.user.in_features))})
    return graph.written(graph.linear("user", net.user), (1, net.user.out_features))


def _rank(net: RankNet, features: int) -> bytes:
    dimension, wide = net.user.in_features, net.user.out_features
    inputs: dict[str, tuple[type, tuple[int | str, ...]]] = {
        "half": (np.float32, (1, wide)),
        "user": (np.float32, (1, dimension)),
        "items": (np.float32, ("n", dimension)),
    }
    if features:
        inputs["features"] = (np.float32, ("n", features))
    graph = Graph("rank", inputs)
    product = graph.node("Mul", "items", "user")
    apart = graph.node("Abs", graph.node("Sub", "items", "user"))
    pair = graph.join(["items", product, apart, *(["features"] if features else [])])
    hidden = graph.node("Relu", graph.node("Add", graph.linear(pair, net.pair), "half"))
    deep = graph.node("Relu", graph.linear(hidden, net.second))
    rest = graph.node("Mul", graph.linear(deep, net.out), graph.weight(net.trust))
    cosine = graph.node("ReduceSum", product, graph.ints(1), attributes={"keepdims": 1})
    steep = graph.node("Mul", cosine, graph.node("Exp", graph.weight(net.slope)))
    odds = graph.node("Add", graph.node("Add", steep, graph.weight(net.level)), rest)
    return graph.written(graph.node("Sigmoid", odds), ("n", net.out.out_features))
