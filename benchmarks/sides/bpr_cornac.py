"""cornac's side of the BPR benchmark."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from arrays import best, gains, touched
from cornac.data import Dataset
from cornac.models import BPR

CHUNK = 500


def main(inputs, output, settings):
    config = json.loads(settings)
    k = config.pop("k")
    train, test = touched(inputs)
    pairs = train.tocoo()
    data = Dataset.build([(int(u), int(i), 1.0) for u, i in zip(pairs.row, pairs.col, strict=True)])
    model = BPR(**config, num_threads=2, seed=1)
    start = time.perf_counter()
    model.fit(data)
    fit_s = time.perf_counter() - start
    items = np.array([data.iid_map.get(i, -1) for i in range(train.shape[1])])
    top = []
    for at in range(0, train.shape[0], CHUNK):
        rows = [data.uid_map[u] for u in range(at, min(at + CHUNK, train.shape[0]))]
        scores = model.u_factors[rows] @ model.i_factors[items].T + model.i_biases[items]
        scores[:, items < 0] = -np.inf
        top.append(best(scores, train[at : at + CHUNK], k))
    output.write_text(json.dumps({"fit_s": fit_s, "gains": gains(np.concatenate(top), test)}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
