"""irspack's side of the iALS benchmarks."""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from arrays import best, gains, touched
from irspack.recommenders import IALSRecommender

CHUNK = 500


def main(inputs, output, settings):
    config = json.loads(settings)
    k, epochs = config.pop("k"), config.pop("iterations")
    train, test = touched(inputs)
    doubles = train.astype(np.float64)

    def model(epochs):
        found = IALSRecommender(doubles, **config, train_epochs=epochs, n_threads=2)
        found.learn()
        return found

    model(1)
    start = time.perf_counter()
    found = model(epochs)
    fit_s = time.perf_counter() - start
    users = np.arange(train.shape[0])
    top = [
        best(found.get_score(users[at : at + CHUNK]), train[at : at + CHUNK], k)
        for at in range(0, len(users), CHUNK)
    ]
    figures = {"fit_s": fit_s, "gains": gains(np.concatenate(top), test)}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
