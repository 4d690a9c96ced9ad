"""Our side of the training benchmark."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from arrays import ndcg, touched
from given import dataset
from sequences import last_items, sequences_of
from sklearn.metrics import roc_auc_score

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.features.columns import ColumnSpec
from palate.models.deepfm import DeepFM, DeepFMConfig
from palate.models.ncf import NCF, NCFConfig
from palate.models.sasrec import SASRec, SASRecConfig

K = 10
WHOLE = {"validation": 0.0, "patience": 0}  # every row is trained on, for all epochs


def neumf(folder, config):
    train, test = touched(folder)
    data = dataset(train)
    rows = train.nnz * (1 + config["negatives"])

    def judge(model):
        return ndcg(model.top_k(data.histories, K).items, test)

    def make(**changes):
        return NCF(NCFConfig(**config | changes))

    return make, lambda model: model.fit(data), rows, judge, {"pretrain_epochs": 0}


def sasrec(folder, config):
    known, asked, targets = last_items(*sequences_of(folder))
    users = np.repeat(np.arange(len(known)), [len(one) for one in known])
    items = np.concatenate(known)
    rows = pl.DataFrame(
        {
            "user_id": users.astype(str),
            "item_id": items.astype(str),
            "timestamp": np.arange(len(items), dtype=np.int64) * 1_000_000,
        }
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
    data = Dataset.from_frames(rows)

    def judge(model):
        vocabulary = model.vocabulary
        found = [vocabulary.rows([str(item) for item in one]) for one in asked]
        found = [one[one >= 0] for one in found]
        indptr = np.concatenate(([0], np.cumsum([len(one) for one in found]))).astype(np.int64)
        flat = np.concatenate(found).astype(np.int32)
        ones = np.ones(len(flat), np.float32)
        histories = Histories(indptr, flat, ones, np.arange(len(flat)), len(vocabulary))
        top = model.top_k(histories, K).items
        wanted = vocabulary.rows([str(item) for item in targets])
        hit = (top == wanted[:, None]) & (wanted >= 0)[:, None]
        return float((hit / np.log2(np.arange(2, K + 2))).sum() / len(hit))

    def make(**changes):
        return SASRec(SASRecConfig(**config | changes))

    return make, lambda model: model.fit(data), len(items) - len(known), judge, {}


def deepfm(folder, config):
    parts = {}
    for part in ("train", "valid", "test"):
        with np.load(folder / f"{part}.npz", allow_pickle=False) as file:
            parts[part] = pl.DataFrame({name: file[name] for name in file.files})
    specs = [ColumnSpec(name=n, kind="category") for n in parts["train"].columns if n != "used"]
    rows = pl.concat([parts["train"], parts["valid"]])

    def fit(model):
        if model.config.validation == 0:
            return model.fit(rows, "used")
        return model.fit(parts["train"], "used", validation=parts["valid"])

    def make(**changes):
        return DeepFM(specs, DeepFMConfig(**config | changes))

    def judge(model):
        return float(roc_auc_score(parts["test"]["used"], model.predict(parts["test"])))

    return make, fit, rows.height, judge, {}


def main(folder, output, case, said):
    said = json.loads(said)
    make, fit, rows, judge, timed = globals()[case](folder, said["config"])
    if said["judged"]:
        start = time.perf_counter()
        model = fit(make())
        seconds = time.perf_counter() - start
        output.write_text(json.dumps({"quality": judge(model), "seconds": seconds}))
        return
    fit(make(**WHOLE, **timed, epochs=1))  # imports and compiles
    start, cpu = time.perf_counter(), time.process_time()
    fit(make(**WHOLE, **timed, epochs=said["timed"]))
    done = rows * said["timed"]
    figures = {
        "rows_per_s": done / (time.perf_counter() - start),
        "rows_per_cpu_s": done / (time.process_time() - cpu),
    }
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
