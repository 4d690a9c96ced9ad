"""Our side of the BPR benchmark."""

import json
import sys
import time
from pathlib import Path

from arrays import gains, touched
from given import dataset

from palate.models.bpr import BPR, BPRConfig


def main(inputs, output, settings):
    config = json.loads(settings)
    k = config.pop("k")
    train, test = touched(inputs)
    data = dataset(train)
    BPR(BPRConfig(**config | {"epochs": 1})).fit(data)
    start = time.perf_counter()
    model = BPR(BPRConfig(**config)).fit(data)
    fit_s = time.perf_counter() - start
    figures = {"fit_s": fit_s, "gains": gains(model.top_k(data.histories, k).items, test)}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
