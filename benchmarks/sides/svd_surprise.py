"""The peer's side of the SVD benchmarks: scikit-surprise with its own defaults."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from arrays import read
from surprise import SVD, Dataset, Reader


def main(inputs, output):
    user, item, rating = read(inputs, "train")
    frame = pd.DataFrame({"user": user, "item": item, "rating": rating})
    start = time.perf_counter()
    train = Dataset.load_from_df(frame, Reader(rating_scale=(1, 5))).build_full_trainset()
    read_s = time.perf_counter() - start
    start = time.perf_counter()
    model = SVD(random_state=0).fit(train)
    fit_s = time.perf_counter() - start
    tests = zip(*(column.tolist() for column in read(inputs, "test")), strict=True)
    errors = [model.predict(u, i, clip=True).est - r for u, i, r in tests]
    figures = {"rmse": float(np.sqrt(np.mean(np.square(errors)))), "fit_s": fit_s, "read_s": read_s}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]))
