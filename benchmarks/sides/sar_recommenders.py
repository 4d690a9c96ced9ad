"""The peer's side of the SAR benchmarks; runs in its own environment."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from recommenders.evaluation.python_evaluation import (
    map as mean_average_precision,
)
from recommenders.evaluation.python_evaluation import ndcg_at_k, precision_at_k, recall_at_k
from recommenders.models.sar import SAR

K = 10
METRICS = {
    "ndcg": ndcg_at_k,
    "map": mean_average_precision,
    "precision": precision_at_k,
    "recall": recall_at_k,
}
COLUMNS = {"user": "userID", "item": "itemID"}


def table(path):
    with np.load(path) as file:
        frame = pd.DataFrame({name: file[name] for name in file.files})
    return frame.rename(columns=COLUMNS)


def measure(train, users):
    start = time.perf_counter()
    model = SAR(similarity_type="jaccard", time_decay_coefficient=30, timedecay_formula=True)
    model.fit(train)
    fitted = time.perf_counter()
    answers = model.recommend_k_items(users, top_k=K, remove_seen=True)
    end = time.perf_counter()
    parts = {"fit_s": fitted - start, "recommend_s": end - fitted}
    return answers, {**parts, "seconds": end - start}


def main(inputs, output):
    train, test = table(inputs / "train.npz"), table(inputs / "test.npz")
    few = train.head(20_000)
    measure(few, few[few["userID"].isin(few["userID"].unique()[:100])])
    answers, figures = measure(train, test)
    for name, metric in METRICS.items():
        figures[name] = float(metric(test, answers, col_prediction="prediction", k=K))
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]))
