"""Training rows a second against recbole: NeuMF, SASRec and DeepFM, at no less accuracy.

Rows are what a loss is computed of: a user, an item and whether it was touched, negatives
among them (NeuMF, MovieLens 100K, four negatives an item); a place of a history and what came
next (SASRec, Amazon Beauty, the last item of each user is the test); a line of the table (DeepFM,
Frappe). Embeddings, layers and attention are of one size on both sides; the rest is each side's
own. Ours is timed over the whole of a fit of some epochs, the peer over its training steps
alone. For accuracy each side stops by a validation part; the peer's SASRec, which would take
hours, also when its steps have taken three times as long as the whole of our fit.

    python benchmarks/speed/training.py neumf sasrec deepfm --json FILE
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import frappe
from harness import Bench, Side, data_folder
from inputs import stratified75
from peers import Peer
from sets import export_rows

TARGET: Final = 2.0
RECBOLE: Final = Peer(
    "recbole",
    "1.2.1",
    # It lists a ray that wants pkg_resources, and uses what numpy 2 and pandas 3 removed.
    ("setuptools<81", "numpy<2", "pandas<3", "scipy<1.14", "torch==2.13.0"),
)
DATA: Final = {"neumf": "ml-100k", "sasrec": "s3rec-beauty", "deepfm": "frappe"}
METRIC: Final = {"neumf": "ndcg@10", "sasrec": "ndcg@10", "deepfm": "auc"}
# timed: what rows a second are taken of, epochs here and batches there, where an epoch of SASRec
# takes minutes; epochs, patience and budget (times the seconds of our fit): of the judged run.
OURS: Final[dict[str, dict[str, Any]]] = {
    "neumf": {
        "timed": 10,
        "config": {"parts": "neumf", "d": 64, "layers": (128, 64, 32, 16), "negatives": 4},
    },
    "sasrec": {"timed": 2, "config": {"d": 64, "n": 50, "b": 2, "heads": 2, "epochs": 60}},
    "deepfm": {
        "timed": 5,
        "config": {
            "k": 16,
            "hidden": (256, 128),
            "batch_size": 4096,
            "learning_rate": 4e-3,
            "precision": "bfloat16",
        },
    },
}
PEERS: Final[dict[str, dict[str, Any]]] = {
    "neumf": {
        "timed": 60,
        "epochs": 60,
        "patience": 5,
        "config": {
            "mf_embedding_size": 64,
            "mlp_embedding_size": 64,
            "mlp_hidden_size": [64, 32, 16],
            "train_neg_sample_args": {"distribution": "uniform", "sample_num": 4},
        },
    },
    "sasrec": {
        "timed": 8,
        "epochs": 20,
        "patience": 2,
        "budget": 3,
        "config": {
            "hidden_size": 64,
            "inner_size": 64,
            "n_layers": 2,
            "n_heads": 2,
            "MAX_ITEM_LIST_LENGTH": 50,
            "loss_type": "CE",
            "train_neg_sample_args": None,
        },
    },
    "deepfm": {
        "timed": 100,
        "epochs": 30,
        "patience": 3,
        "config": {"embedding_size": 16, "mlp_hidden_size": [256, 128], "dropout_prob": 0.2},
    },
}


def export(case: str, folder: Path) -> None:
    """What both sides read."""
    if case == "neumf":
        export_rows(stratified75("ml-100k"), folder)
    elif case == "sasrec":
        name = DATA[case]
        sequences = pl.read_parquet(data_folder(name) / name / "sequences.parquet")["items"]
        indptr = np.concatenate(([0], np.cumsum(sequences.list.len().to_numpy())))
        items = sequences.explode().to_numpy()
        np.savez(folder / "sequences.npz", indptr=indptr.astype(np.int64), items=items)
    else:
        parts = frappe.parts(data_folder("frappe") / "frappe")
        for part, rows in zip(("train", "valid", "test"), parts, strict=True):
            texts = [name for name, kind in rows.schema.items() if kind == pl.String]
            plain = {name: rows[name].to_numpy() for name in rows.columns}
            np.savez(folder / f"{part}.npz", **plain | {n: plain[n].astype("U") for n in texts})


def compare(bench: Bench, case: str) -> None:
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        export(case, folder)

        def side(script: str, peer: Peer | None, said: dict[str, Any], *, judged: bool) -> Side:
            return Side(script, peer, (case, json.dumps(said | {"judged": judged})))

        timed = {
            "ours": side("training_palate.py", None, OURS[case], judged=False),
            "recbole": side("training_recbole.py", RECBOLE, PEERS[case], judged=False),
        }
        runs = bench.in_turn(timed, folder)
        ours = side("training_palate.py", None, OURS[case], judged=True).run(folder)
        limited = PEERS[case] | {"budget_s": PEERS[case].get("budget", 1e9) * ours["seconds"]}
        theirs = side("training_recbole.py", RECBOLE, limited, judged=True).run(folder)
    for figure, per in (("rows_per_s", "second"), ("rows_per_cpu_s", "processor second")):
        bench.compare(
            f"{case}/{DATA[case]}/rows a {per}",
            [run[figure] for run in runs["ours"]],
            [run[figure] for run in runs["recbole"]],
            peer=RECBOLE,
            unit="1/s",
            higher_is_better=True,
            target=TARGET if per == "second" else None,
        )
    bench.add(
        f"{case}/{DATA[case]}/{METRIC[case]}",
        ours["quality"],
        higher_is_better=True,
        target=theirs["quality"],
        peer=(RECBOLE, theirs["quality"]),
    )


def main() -> None:
    chosen = [word for word in sys.argv[1:] if word in DATA] or list(DATA)
    rest = [word for word in sys.argv[1:] if word not in DATA]
    bench = Bench("speed-training", "Training against recbole", runs=3, arguments=rest)
    for case in chosen:
        compare(bench, case)
    bench.finish()


if __name__ == "__main__":
    main()
