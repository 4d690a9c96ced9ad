"""Our side of the iALS benchmarks: (users, items) in, item factors out, then lists."""

import json
import sys
import time
from pathlib import Path

from arrays import ndcg, touched
from given import dataset

from palate.models.als import ALS, ALSConfig


def main(inputs, output, settings):
    config = json.loads(settings)
    k = config.pop("k")
    train, test = touched(inputs)
    data = dataset(train)
    ALS(ALSConfig(**config | {"iterations": 1})).fit(data).top_k(data.histories.slice(0, 9), k)
    start = time.perf_counter()
    model = ALS(ALSConfig(**config)).fit(data)
    fitted = time.perf_counter()
    top = model.top_k(data.histories, k)
    end = time.perf_counter()
    figures = {"fit_s": fitted - start, "top_s": end - fitted, "ndcg": ndcg(top.items, test)}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
