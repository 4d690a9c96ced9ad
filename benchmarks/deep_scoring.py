"""How long scoring takes without torch and with it: the same weights, one thread each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.deep import Deep

__all__ = ["seconds_to_score"]

ROUNDS = 5
USERS = 512
Scores = Callable[[], Tensor]


def seconds_to_score(model: Deep[Any], dataset: Dataset) -> tuple[list[float], list[float]]:
    """Seconds that `USERS` users take, several times: ours, and torch's.

    Raises:
        SystemExit: They disagree by more than 1e-4.
    """
    histories = model._usable(dataset.histories)
    active = np.flatnonzero(np.diff(histories.indptr))[:USERS]
    asked = histories.select(active)
    twin = {"ncf": _ncf, "multvae": _multvae, "lightgcn": _lightgcn}[model.name](model, asked)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ours: list[float] = []
    theirs: list[float] = []
    with torch.no_grad():
        for _ in range(ROUNDS + 1):
            start = time.process_time()
            scores = model._scores(asked)
            between = time.process_time()
            expected = twin().numpy()
            ours.append(between - start)
            theirs.append(time.process_time() - between)
            apart = float(np.abs(scores - expected).max())
            if apart > 1e-4 * max(1.0, float(np.abs(expected).max())):
                raise SystemExit(f"{model.name}: numpy and torch are {apart} apart")
    torch.set_num_threads(threads)
    return ours[1:], theirs[1:]  # the first compiles


def _tensors(model: Deep[Any]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in model._arrays.items()}


def _bag(table: Tensor, asked: Histories, weights: Tensor | None = None) -> Tensor:
    items = torch.from_numpy(asked.items.astype(np.int64))
    starts = torch.from_numpy(asked.indptr[:-1].copy())
    return functional.embedding_bag(items, table, starts, mode="sum", per_sample_weights=weights)


def _counts(asked: Histories) -> Tensor:
    return torch.from_numpy(np.diff(asked.indptr)).float()


def _ncf(model: Deep[Any], asked: Histories) -> Scores:
    a = _tensors(model)
    n_layers = sum(name.startswith("mlp.layers.") for name in a) // 2
    d = a["gmf.sides.items.weight"].shape[1]

    def scores() -> Tensor:
        per_user = _counts(asked).pow(-model.config.alpha)[:, None]
        p = _bag(a["gmf.sides.touched.weight"], asked) * per_user
        out = (p * a["out.weight"][:, :d]) @ a["gmf.sides.items.weight"].T + a["out.bias"]
        p = _bag(a["mlp.sides.touched.weight"], asked) * per_user
        of_users = functional.linear(p, a["mlp.user.weight"], a["mlp.user.bias"])
        of_items = functional.linear(a["mlp.sides.items.weight"], a["mlp.item.weight"])
        for row, user in zip(out, of_users, strict=True):
            hidden = torch.relu(of_items + user)
            for at in range(n_layers):
                weight, bias = a[f"mlp.layers.{at}.weight"], a[f"mlp.layers.{at}.bias"]
                hidden = torch.relu(functional.linear(hidden, weight, bias))
            row += hidden @ a["out.weight"][0, d:]
        return out

    return scores


def _multvae(model: Deep[Any], asked: Histories) -> Scores:
    a = _tensors(model)
    depth = len(model.config.hidden)
    names = [f"encoder/{at}" for at in range(depth)] + [f"decoder/{at}" for at in range(depth + 1)]

    def scores() -> Tensor:
        weights = _counts(asked).rsqrt().repeat_interleave(_counts(asked).long())
        out = _bag(a["first/weights"], asked, weights) + a["first/bias"]
        for at, name in enumerate(names):
            out = out if at == depth else torch.tanh(out)
            out = functional.linear(out, a[f"{name}/weights"], a[f"{name}/bias"])
        return out

    return scores


def _lightgcn(model: Deep[Any], asked: Histories) -> Scores:
    a = _tensors(model)
    items = torch.from_numpy(asked.items.astype(np.int64))

    def scores() -> Tensor:
        weights = _counts(asked).rsqrt().repeat_interleave(_counts(asked).long())
        return _bag(a["items"], asked, weights * a["weights"][items]) @ a["items"].T

    return scores
