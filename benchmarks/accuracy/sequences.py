"""Next item in sequences: SASRec beside SessionKNN and Markov, all items ranked.

Amazon Beauty (leave-last-out: the last item of each user is the test, seen items are out) and
Diginetica (the SR-GNN paper's split: prefix to next item). SASRec's settings were chosen on the
item before the last, and on the latest training sessions; when to stop is found within fit.
SessionKNN and Markov are tuned on the same rows. The test part chooses nothing.

    python benchmarks/accuracy/sequences.py beauty diginetica --json FILE
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sessions import Questions, Task, beauty, by_group, dataset, diginetica, histories, tuned

from harness import Bench, data_folder
from palate.metrics import Ranking, Relevant
from palate.metrics.hit_rate import hit_rate
from palate.metrics.ndcg import ndcg
from palate.metrics.reciprocal_rank import reciprocal_rank
from palate.models.base import Recommender
from palate.models.sasrec import SASRec, SASRecConfig
from palate.stats import bootstrap_mean
from palate.types import Float64Array

TRIALS: Final = 8  # of SessionKNN and of Markov
PEERS: Final = ("sessionknn", "markov")
# Without a refit: what is held out (2,000 items at most) is one in seventy and in 360.
SETTINGS: Final = {
    "s3rec-beauty": SASRecConfig(epochs=40, patience=4, refit=False),
    "diginetica": SASRecConfig(
        n=30,
        tau=0.07,
        dropout=0.2,
        epochs=8,
        batch_size=2048,
        negatives=2048,
        learning_rate=2e-3,
        patience=2,
        refit=False,
    ),
}
TARGETS: Final[Mapping[str, Mapping[str, float]]] = {
    "s3rec-beauty": {"HR@10": 0.060, "NDCG@10": 0.032},
    "diginetica": {"P@20": 0.50, "MRR@20": 0.17},
}


def per_question(model: Recommender[Any], asked: Questions) -> dict[str, Float64Array]:
    """The figures that papers give on this set, (n,) each; an unknown target is a miss."""
    items = model.vocabulary
    targets = items.rows([str(t) for t in asked.targets])
    relevant = Relevant.from_pairs(
        np.arange(len(targets)), np.where(targets < 0, len(items), targets), n_users=len(targets)
    )
    top = model.top_k(histories(asked, items), asked.k, exclude_seen=asked.exclude_seen)
    ranking = Ranking(top.items, relevant)
    if asked.k == 20:
        return {"P@20": hit_rate(ranking, 20), "MRR@20": reciprocal_rank(ranking, 20)}
    return {"HR@10": hit_rate(ranking, 10), "NDCG@10": ndcg(ranking, 10)}


def judge(bench: Bench, task: Task) -> None:
    train = dataset(task.train)
    models: dict[str, Recommender[Any]] = {"sasrec": SASRec(SETTINGS[task.name])}
    for name in PEERS:
        models[name] = tuned(name, task, dataset(task.tune_train), trials=TRIALS)
    found = {}
    for name, model in models.items():
        found[name] = per_question(model.fit(train, progress=_said), task.test)
        told = {metric: round(float(values.mean()), 4) for metric, values in found[name].items()}
        print(f"\n{task.name}: {name}: {told}", file=sys.stderr)
        for metric, values in found[name].items():
            weights, means = by_group(values, task.test.groups)
            interval = bootstrap_mean(means, weights=weights)
            bench.add(
                f"{task.name}/{name}/{metric}",
                interval.estimate,
                higher_is_better=True,
                interval=(interval.low, interval.high),
                target=TARGETS[task.name][metric] if name == "sasrec" else None,
            )
    for name in PEERS:
        for metric, values in found["sasrec"].items():
            weights, ahead_by = by_group(values - found[name][metric], task.test.groups)
            ahead = bootstrap_mean(ahead_by, weights=weights)
            bench.add(
                f"{task.name}/sasrec less {name}/{metric}",
                ahead.estimate,
                higher_is_better=True,
                interval=(ahead.low, ahead.high),
            )


def _said(done: int, of: int, what: str) -> None:
    print(f"\r{what} ({done} of {of})", end="", file=sys.stderr, flush=True)


def main() -> None:
    tasks = {"beauty": ("s3rec-beauty", beauty), "diginetica": ("diginetica", diginetica)}
    chosen = [name for name in sys.argv[1:] if name in tasks] or list(tasks)
    rest = [word for word in sys.argv[1:] if word not in tasks]
    bench = Bench("accuracy-sequences", "Next item by SASRec", runs=1, arguments=rest)
    for name in chosen:
        folder, read = tasks[name]
        judge(bench, read(data_folder(folder) / folder))
    bench.finish()


if __name__ == "__main__":
    main()
