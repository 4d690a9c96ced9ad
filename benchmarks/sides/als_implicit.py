"""implicit's side of the iALS benchmarks; its BLAS is held to one thread, as it asks for."""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from arrays import ndcg, touched
from implicit.als import AlternatingLeastSquares


def main(inputs, output, settings):
    config = json.loads(settings)
    k = config.pop("k")
    train, test = touched(inputs)

    def model(iterations):
        found = AlternatingLeastSquares(**config, iterations=iterations, random_state=1)
        found.fit(train, show_progress=False)
        return found

    iterations = config.pop("iterations")
    model(1).recommend(np.arange(9), train[:9], N=k)
    start = time.perf_counter()
    found = model(iterations)
    fitted = time.perf_counter()
    top, _ = found.recommend(np.arange(train.shape[0]), train, N=k)
    end = time.perf_counter()
    found.recommend(np.arange(train.shape[0]), train, N=k, recalculate_user=True)
    folded = time.perf_counter()
    figures = {
        "fit_s": fitted - start,
        "top_s": end - fitted,
        "folded_top_s": folded - end,
        "ndcg": ndcg(top, test),
    }
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
