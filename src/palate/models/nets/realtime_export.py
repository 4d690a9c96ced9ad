"""The three nets as three ONNX graphs: item, user and rank."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import torch

from palate.models.nets.onnx_graph import Graph
from palate.models.nets.realtime import FARTHEST, LEAST, ItemNet, RankNet, RealtimeNet, UserNet

__all__ = ["graphs_of"]

END: Final = 1 << 30  # of a slice that goes to the end


def graphs_of(net: RealtimeNet, *, n_slots: int) -> dict[str, bytes]:
    """Contents of `item.onnx`, `user.onnx`, `rank.onnx`.

    Args:
        net: Trained.
        n_slots: L, slots of an item.
    """
    with torch.no_grad():
        return {
            "item.onnx": _item(net.item, net.sizes.numbers, n_slots),
            "user.onnx": _user(net.user, net.sizes.profile, net.sizes.context),
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


def _rank(net: RankNet, features: int) -> bytes:
    """Probabilities for one user and many items; what the user alone decides comes first.

    W (i, u i, |u - i|, f) = (W_i + diag(u) W_ui) i + W_a |u - i| + W_f f, so that the products
    u i are made for the weights, once, instead of for every item.
    """
    dimension = net.user.in_features
    inputs: dict[str, tuple[type, tuple[int | str, ...]]] = {
        "user": (np.float32, (1, dimension)),
        "items": (np.float32, ("n", dimension)),
    }
    if features:
        inputs["features"] = (np.float32, ("rows", features))  # n, or 1 for all
    graph = Graph("rank", inputs)
    column = graph.node("Transpose", "user", attributes={"perm": [1, 0]})  # (d, 1)
    steep = graph.node("Exp", graph.weight(net.slope))
    near = graph.node("Mul", graph.node("MatMul", "items", column), steep)
    near = graph.node("Add", near, graph.weight(net.level))
    rest = graph.node("Mul", _rest(graph, net, column, features), graph.weight(net.trust))
    odds = graph.node("Sigmoid", graph.node("Add", near, rest))
    return graph.written(odds, ("n", net.out.out_features))


def _rest(graph: Graph, net: RankNet, column: str, features: int) -> str:
    """(n, outcomes) log odds beside those of closeness."""
    dimension = net.user.in_features
    weights = graph.weight(net.pair.weight)  # cut up when the graph is loaded: the rest is constant
    cuts = (0, dimension, 2 * dimension, 3 * dimension, END)
    by_item, by_product, by_distance, by_features = (
        graph.node("Transpose", _columns(graph, weights, *ends), attributes={"perm": [1, 0]})
        for ends in pairwise(cuts)
    )
    own = graph.node("Add", by_item, graph.node("Mul", by_product, column))  # (d, wide)
    whole = graph.node("Concat", own, by_distance, attributes={"axis": 0})
    half = graph.linear("user", net.user)  # (1, wide)
    if features:
        half = graph.node("Gemm", "features", by_features, half)
    apart = graph.node("Abs", graph.node("Sub", "items", "user"))
    pair = graph.join(["items", apart])
    hidden = graph.node("Relu", graph.node("Gemm", pair, whole, half))
    deep = graph.node("Relu", graph.linear(hidden, net.second))
    return graph.linear(deep, net.out)


def _columns(graph: Graph, weights: str, start: int, end: int) -> str:
    return graph.node("Slice", weights, graph.ints(start), graph.ints(end), graph.ints(1))
