"""The twins of our deep click models in deepctr-torch: trained on the same rows, asked the same.

Runs in the peer's environment. `rows.npz` has, for the parts train, held and test, `sparse_PART`
(n, s) whole numbers, `dense_PART` (n, d) and `labels_PART` (n,); `settings.json` has what both
sides share. The epoch is chosen by the AUC of the held rows, as ours is; with `refit` the net is
then trained again on train and held rows for as many epochs.
"""

from __future__ import annotations

import copy
import json
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch

# At its import the library asks PyPI for its newest version, and only for that needs requests.
sys.modules["requests"] = types.ModuleType("requests")

from deepctr_torch.inputs import DenseFeat, SparseFeat, get_feature_names  # noqa: E402
from deepctr_torch.models import DCN, WDL, DeepFM, xDeepFM  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

Part = tuple[dict[str, np.ndarray], np.ndarray]


def columns(settings: dict[str, Any]) -> list[Any]:
    sparse = [
        SparseFeat(f"s{at}", vocabulary_size=size, embedding_dim=settings["k"])
        for at, size in enumerate(settings["sizes"])
    ]
    return sparse + [DenseFeat(f"d{at}", 1) for at in range(settings["dense"])]


def made(name: str, settings: dict[str, Any]) -> Any:
    """Sizes, dropout and normalisation as ours; all else as the library has it."""
    shared = {
        "linear_feature_columns": columns(settings),
        "dnn_feature_columns": columns(settings),
        "dnn_hidden_units": tuple(settings["hidden"]),
        "dnn_dropout": settings["dropout"],
        "dnn_use_bn": settings["batch_norm"],
        "l2_reg_embedding": settings["l2"],
        "l2_reg_linear": settings["l2"],
        "seed": settings["seed"],
    }
    model = {
        "wide_deep": lambda: WDL(**shared),
        "deepfm": lambda: DeepFM(**shared),
        "xdeepfm": lambda: xDeepFM(**shared, cin_layer_size=tuple(settings["maps"])),
        "dcn": lambda: DCN(**shared, cross_num=settings["layers"], cross_parameterization="matrix"),
    }[name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["learning_rate"])
    model.compile(optimizer, "binary_crossentropy", metrics=[])
    return model


def part(rows: Any, name: str, settings: dict[str, Any]) -> Part:
    sparse, dense = rows[f"sparse_{name}"], rows[f"dense_{name}"]
    found = {f"s{at}": sparse[:, at] for at in range(sparse.shape[1])}
    found |= {f"d{at}": dense[:, at] for at in range(dense.shape[1])}
    names = get_feature_names(columns(settings))
    return {name: found[name] for name in names}, rows[f"labels_{name}"]


def joined(first: Part, second: Part) -> Part:
    features = {name: np.concatenate((first[0][name], second[0][name])) for name in first[0]}
    return features, np.concatenate((first[1], second[1]))


def epoch_of(model: Any, train: Part, settings: dict[str, Any]) -> None:
    model.fit(*train, batch_size=settings["batch_size"], epochs=1, verbose=0)


def fitted(name: str, train: Part, held: Part, settings: dict[str, Any]) -> tuple[Any, int, float]:
    """The model of the best epoch, that epoch, and its AUC on the held rows."""
    model = made(name, settings)
    best, value, weights = 0, 0.0, None
    for epoch in range(1, settings["epochs"] + 1):
        epoch_of(model, train, settings)
        found = float(roc_auc_score(held[1], model.predict(held[0], 4096)[:, 0]))
        print(f"{name}, epoch {epoch}: {found:.5f}", file=sys.stderr, flush=True)
        if found > value:
            best, value, weights = epoch, found, copy.deepcopy(model.state_dict())
        elif epoch - best >= settings["patience"]:
            break
    model.load_state_dict(weights)
    if settings["refit"]:
        model, whole = made(name, settings), joined(train, held)
        for _ in range(best):
            epoch_of(model, whole, settings)
    return model, best, value


def main() -> None:
    folder, output, *names = sys.argv[1:]
    settings = json.loads((Path(folder) / "settings.json").read_text())
    with np.load(Path(folder) / "rows.npz") as rows:
        train, held, test = (part(rows, name, settings) for name in ("train", "held", "test"))
    figures = {}
    for name in names:
        start = time.perf_counter()
        model, epoch, value = fitted(name, train, held, settings)
        figures[name] = {
            "epoch": epoch,
            "held": value,
            "fit_s": time.perf_counter() - start,
            "answers": model.predict(test[0], 4096)[:, 0].tolist(),
        }
    Path(output).write_text(json.dumps(figures))


main()
