"""Our side of the SVD benchmark."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from arrays import read
from given import dataset
from scipy.sparse import coo_matrix

from palate.models.svd import SVD, SVDConfig


def main(inputs, output, settings):
    config = json.loads(settings)
    user, item, rating = read(inputs, "train")
    users, items, truth = read(inputs, "test")
    shape = 1 + max(user.max(), users.max()), 1 + max(item.max(), items.max())
    data = dataset(coo_matrix((rating, (user, item)), shape=shape))
    SVD(SVDConfig(**config | {"epochs": 1})).fit(data)
    start = time.perf_counter()
    model = SVD(SVDConfig(**config)).fit(data)
    fit_s = time.perf_counter() - start
    error = 0.0
    for at in range(0, shape[0], 500):
        scores = model.score_histories(data.histories.slice(at, min(at + 500, shape[0])))
        mine = (users >= at) & (users < at + 500)
        predicted = np.clip(scores[users[mine] - at, items[mine]], 1, 5)
        error += ((predicted - truth[mine]) ** 2).sum(dtype=np.float64)
    figures = {"rmse": float(np.sqrt(error / len(users))), "fit_s": fit_s}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
