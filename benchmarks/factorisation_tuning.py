"""How `factorisation_settings.py` was found: random configs, judged on a part of train alone.

python benchmarks/factorisation_tuning.py als ml-1m --trials 20
"""

from __future__ import annotations

import argparse

import numpy as np

from inputs import stratified75
from palate.data.split import Random
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.models.build import build
from palate.plugins import model_class
from sets import gowalla

VALIDATION = Random(test_ratio=0.2, seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data", choices=["ml-100k", "ml-1m", "gowalla-lightgcn"])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    whole = gowalla() if options.data == "gowalla-lightgcn" else stratified75(options.data)
    split = VALIDATION.split(whole.train)
    protocol = Protocol(split=None, k=20 if options.data == "gowalla-lightgcn" else 10)
    rng = np.random.default_rng(options.seed)
    space = model_class(options.model).Config.space
    for _ in range(options.trials):
        settings = {name: dimension.sample(rng) for name, dimension in space.items()}
        model = build(options.model, settings).fit(split.train)
        found = judge(model, split.train, split.test, protocol)
        rated = "ratings" in model.capabilities
        quality = found.figures["rmse"] if rated else found.intervals["ndcg"].estimate
        print(f"{'RMSE' if rated else 'NDCG'} {quality:.4f}", settings, flush=True)


if __name__ == "__main__":
    main()
