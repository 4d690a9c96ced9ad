"""The peer's side of the metrics benchmark; runs in its own environment."""

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

K = 10
METRICS = {
    "precision": precision_at_k,
    "recall": recall_at_k,
    "ndcg": ndcg_at_k,
    "map": mean_average_precision,
}
COLUMNS = {"user": "userID", "item": "itemID", "score": "prediction"}


def table(path):
    with np.load(path) as file:
        frame = pd.DataFrame({name: file[name] for name in file.files})
    return frame.rename(columns=COLUMNS)


def timed(truth, answers):
    start = time.perf_counter()
    found = {
        name: float(metric(truth, answers, col_prediction="prediction", k=K))
        for name, metric in METRICS.items()
    }
    return time.perf_counter() - start, found


def main(inputs, output):
    test, answers = table(inputs / "test.npz"), table(inputs / "answers.npz")
    some = answers.head(1000)
    timed(test[test["userID"].isin(some["userID"])], some)
    seconds, found = timed(test, answers)
    output.write_text(json.dumps({"seconds": seconds, **found}))


main(Path(sys.argv[1]), Path(sys.argv[2]))
