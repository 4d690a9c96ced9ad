"""implicit's side of the iALS benchmarks; its BLAS is held to one thread, as it asks for."""

import json
import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from arrays import gains, timed, touched
from implicit.als import AlternatingLeastSquares


def main(inputs, output, settings):
    config = json.loads(settings)
    k, times = config.pop("k"), config.pop("times", 1)
    train, test = touched(inputs)

    def model(iterations):
        found = AlternatingLeastSquares(**config, iterations=iterations, random_state=1)
        found.fit(train, show_progress=False)
        return found

    iterations = config.pop("iterations")
    model(1).recommend(np.arange(9), train[:9], N=k)
    found, fit_s = timed(lambda: model(iterations), 1)
    users = np.arange(train.shape[0])
    (top, _), top_s = timed(lambda: found.recommend(users, train, N=k), times)
    _, folded_s = timed(lambda: found.recommend(users, train, N=k, recalculate_user=True), times)
    figures = {
        "fit_s": fit_s,
        "top_s": top_s,
        "folded_top_s": folded_s,
        "gains": gains(top, test),
    }
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
