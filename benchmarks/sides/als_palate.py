"""Our side of the iALS benchmarks: (users, items) in, item factors out, then lists."""

import json
import sys
from pathlib import Path

from arrays import gains, timed, touched
from given import dataset

from palate.models.als import ALS, ALSConfig


def main(inputs, output, settings):
    config = json.loads(settings)
    k, times = config.pop("k"), config.pop("times", 1)
    train, test = touched(inputs)
    data = dataset(train)
    ALS(ALSConfig(**config | {"iterations": 1})).fit(data).top_k(data.histories.slice(0, 9), k)
    model, fit_s = timed(lambda: ALS(ALSConfig(**config)).fit(data), 1)
    top, top_s = timed(lambda: model.top_k(data.histories, k), times)
    figures = {"fit_s": fit_s, "top_s": top_s, "gains": gains(top.items, test)}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
