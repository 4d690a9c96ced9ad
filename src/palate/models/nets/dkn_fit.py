"""Training of DKN: what is held out, batches of distinct news, the arrays that are kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from palate.models.dkn import DKNConfig
from palate.models.impressions import Impressions
from palate.models.mentions import Mentions
from palate.models.nets.dkn import DKNNet, Tables, right_one_loss
from palate.train.batches import ArrayBatches, Batch
from palate.train.loop import train
from palate.train.seeds import generator, seeded
from palate.types import Float32Array, Int32Array, Int64Array, Progress

__all__ = ["GivenVectors", "arrays", "learn"]

MOST_HELD = 4000  # clicks that are asked after every epoch
BESIDE_HELD = 20  # what is left alone beside each of them
AT_ONCE = 256
_HELD, _BESIDE = 3, 4  # what a generator is for, within its key

GivenVectors = dict[str, Float32Array]
"""`words`, `entities`, `context`, as `Tables` has them; absent ones are not given."""


def learn(
    cases: Impressions,
    mentions: Mentions,
    n_words: int,
    given: GivenVectors,
    config: DKNConfig,
    progress: Progress | None,
) -> dict[str, np.ndarray]:
    """Train, on all of `cases` in the end.

    Args:
        cases: Where there is none, nothing speaks for any news: all arrays are 0.
        mentions: Words and entities of all items.
        n_words: Size of the words' vocabulary.
        given: Vectors.
        config: Hyperparameters.
        progress: Called while training.

    Returns:
        What `DKN` scores with, but for the vectors of news.
    """
    tensors = {name: torch.from_numpy(table) for name, table in given.items()}
    tables = Tables(n_words, *(tensors.get(name) for name in ("words", "entities", "context")))
    if not len(cases):
        return {name: array * 0 for name, array in arrays(DKNNet(tables, config)).items()}
    held = _held_out(cases, config)
    if not len(held):
        return arrays(_trained(cases, None, (mentions, tables), config, progress)[0])
    rest = cases.select(np.setdiff1d(np.arange(len(cases)), held))
    news = (mentions, tables)
    net, epochs = _trained(rest, cases.select(held), news, config, progress)
    if config.refit:
        last = config.model_copy(update={"epochs": epochs})
        net, _ = _trained(cases, None, news, last, progress)
    return arrays(net)


def _held_out(cases: Impressions, config: DKNConfig) -> Int64Array:
    """Cases that decide when to stop, ascending: the latest, drawn where times are all alike.

    News is always new when it is asked for: of cases drawn at random the news would be known.
    """
    if config.patience == 0:
        return np.empty(0, np.int64)
    size = min(round(config.validation * len(cases)), MOST_HELD)
    drawn = generator(config.seed, _HELD).permutation(len(cases))
    late = drawn[np.argsort(-cases.times_us[drawn], kind="stable")]
    return np.sort(late[:size]).astype(np.int64)


def _trained(
    cases: Impressions,
    held: Impressions | None,
    news: tuple[Mentions, Tables],
    config: DKNConfig,
    progress: Progress | None,
) -> tuple[DKNNet, int]:
    """A net and its best epoch."""
    mentions, tables = news
    with seeded(config.seed):
        net = DKNNet(tables, config)
    drawing = _Drawing(cases, mentions, config.negatives)
    batches = ArrayBatches(
        (cases.clicked, cases.before, cases.start, cases.stop),
        batch_size=config.batch_size,
        seed=config.seed,
        prepare=drawing,
    )
    validate = None
    if held is not None:
        validate = _validation(net, _Drawing(held, mentions, BESIDE_HELD), config.seed)
    done = train(net, right_one_loss, batches, config, validate=validate, progress=progress)
    return net, done.epoch


class _Drawing:
    """Batches: each click first among `k` left alone, and the distinct news that they need."""

    def __init__(self, cases: Impressions, mentions: Mentions, k: int) -> None:
        self.cases, self.mentions, self.k = cases, mentions, k
        self.pool: Int32Array = np.unique(np.concatenate((cases.clicked, cases.left)))

    def __call__(self, rows: Int64Array, rng: np.random.Generator) -> Batch:
        """Candidates, history (-1 for none), and the words and entities that they are rows of."""
        cases = self.cases
        drawn = cases.beside(rows, self.k, self.pool, rng)
        candidates = np.concatenate((cases.clicked[rows, None], drawn), axis=1)
        before = cases.before[rows]
        before = before[:, before.shape[1] - int((before >= 0).sum(axis=1).max()) :]
        both = np.concatenate((candidates, before), axis=1)
        items, where = np.unique(both, return_inverse=True)
        where = where.reshape(both.shape)
        if items[0] < 0:
            items, where = items[1:], where - 1
        k = candidates.shape[1]
        return tuple(
            torch.from_numpy(np.ascontiguousarray(part, np.int64))
            for part in (
                where[:, :k],
                where[:, k:],
                self.mentions.words[items],
                self.mentions.entities[items],
            )
        )


def _validation(net: DKNNet, drawing: _Drawing, seed: int) -> Callable[[], float]:
    """The chance that what was clicked is above what was left alone beside it."""
    n = len(drawing.cases)

    def validate() -> float:
        above = 0.0
        for start in range(0, n, AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, n))
            scores = net(*drawing(rows, generator(seed, start, _BESIDE)))
            gap = scores[:, :1] - scores[:, 1:]
            above += float(((gap > 0) + 0.5 * (gap == 0)).mean(dim=1).sum())
        return above / n

    return validate


@torch.no_grad()
def arrays(net: DKNNet) -> dict[str, np.ndarray]:
    """Tables as they come out of their transformations, row 0 for none; layers by name."""
    found = {"words.table": net.word_rows(torch.arange(_n_rows(net)))}
    for name in net.given.keys() - {"words"}:
        found[f"{name}.table"] = net.entity_rows(name, torch.arange(len(net.given[name])))
    for name, value in net.state_dict().items():
        if name.startswith(("convolutions", "attention", "prediction")):
            found[name] = value
    return {name: found[name].numpy().copy() for name in sorted(found)}


def _n_rows(net: DKNNet) -> int:
    if "words" in net.given:
        return len(net.given["words"])
    return int(net.words.num_embeddings)  # type: ignore[arg-type]  # an Embedding's
