"""implicit's side of the BPR benchmark."""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from arrays import gains, touched
from implicit.bpr import BayesianPersonalizedRanking


def main(inputs, output, settings):
    config = json.loads(settings)
    k = config.pop("k")
    train, test = touched(inputs)
    model = BayesianPersonalizedRanking(**config, random_state=1)
    start = time.perf_counter()
    model.fit(train, show_progress=False)
    fit_s = time.perf_counter() - start
    top, _ = model.recommend(np.arange(train.shape[0]), train, N=k)
    output.write_text(json.dumps({"fit_s": fit_s, "gains": gains(top, test)}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
