"""Training of SASRec: what is held out, the loop, and the arrays that are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from palate.models.nets.sasrec import SASRecNet, next_item_loss
from palate.models.nets.sequence_batches import SequenceBatches, padded_rows
from palate.models.sasrec import SASRecConfig
from palate.models.sequences import Sequences
from palate.train.loop import train
from palate.train.seeds import generator, seeded
from palate.types import Int32Array, Int64Array, Progress

__all__ = ["arrays", "learn"]

MOST_HELD = 2000  # histories that are asked after every epoch
AT_ONCE = 256  # of them
K = 10  # of the NDCG that training stops by
_HELD = 3  # what a generator is for, within its key


def learn(
    sequences: Sequences, config: SASRecConfig, progress: Progress | None
) -> dict[str, np.ndarray]:
    """Train, on all of `sequences` in the end.

    Args:
        sequences: Where none has two items there is no order to learn, and all vectors are 0.
        config: Hyperparameters.
        progress: Called while training.

    Returns:
        The net's arrays by name, float32; `items.weight` without the row for padding.
    """
    if not (sequences.lengths > 1).any():
        net = SASRecNet(sequences.n_items, config)
        torch.nn.init.zeros_(net.items.weight)
        return arrays(net)
    held = _held_out(sequences, config)
    if not len(held):
        return arrays(_trained(sequences, config, None, progress)[0])
    rest, targets = _without_last(sequences, held)
    net, epochs = _trained(rest, config, (held, targets), progress)
    if config.refit:
        last = config.model_copy(update={"epochs": epochs})
        net, _ = _trained(sequences, last, None, progress)
    return arrays(net)


def _trained(
    sequences: Sequences,
    config: SASRecConfig,
    held: tuple[Int64Array, Int32Array] | None,
    progress: Progress | None,
) -> tuple[SASRecNet, int]:
    """A net and its best epoch."""
    with seeded(config.seed):
        net = SASRecNet(sequences.n_items, config)
    batches = SequenceBatches(
        sequences,
        n=config.n,
        places=config.batch_size,
        negatives=config.negatives if config.negatives < sequences.n_items else 0,
        seed=config.seed,
    )
    validate = None if held is None else _validation(net, sequences, *held, config.n)
    done = train(net, next_item_loss, batches, config, validate=validate, progress=progress)
    return net, done.epoch


def _held_out(sequences: Sequences, config: SASRecConfig) -> Int64Array:
    """Sequences whose last item decides when to stop, ascending; those of three or more."""
    if config.patience == 0:
        return np.empty(0, np.int64)
    long = np.flatnonzero(sequences.lengths > 2)
    n = min(round(config.validation * len(long)), MOST_HELD)
    drawn = generator(config.seed, _HELD).permutation(long)[:n]
    return np.sort(drawn).astype(np.int64)


def _without_last(sequences: Sequences, held: Int64Array) -> tuple[Sequences, Int32Array]:
    """The sequences without the last items of those in `held`, and these items."""
    last = sequences.indptr[held + 1] - 1
    kept = np.ones(len(sequences.items), np.bool_)
    kept[last] = False
    lengths = sequences.lengths.copy()
    lengths[held] -= 1
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return replace(sequences, indptr=indptr, items=sequences.items[kept]), sequences.items[last]


def _validation(
    net: SASRecNet, sequences: Sequences, held: Int64Array, targets: Int32Array, n: int
) -> Callable[[], float]:
    """The mean NDCG@10 of one item each, over all items.

    Where none of those held out was in its own history, people do not come back to an item
    here, and what is in a history is left out of its ranking.
    """
    owners = np.repeat(np.arange(len(held)), sequences.lengths[held])
    whole = np.concatenate([np.arange(*sequences.indptr[one : one + 2]) for one in held])
    seen = sequences.items[whole]
    comes_back = bool((seen == targets[owners]).any())
    lengths = np.minimum(sequences.lengths[held], n)
    starts = sequences.indptr[held + 1] - lengths
    order = np.argsort(lengths, kind="stable")

    def validate() -> float:
        outputs, total = net.outputs().T, 0.0
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            rows = padded_rows(
                sequences.items, starts[some], lengths[some], filling=sequences.n_items
            )
            places = torch.arange(len(some)), torch.from_numpy(lengths[some] - 1)
            scores = net(torch.from_numpy(rows))[places] @ outputs
            if not comes_back:
                pad = torch.full((len(some), 1), float("-inf"))
                scores = torch.cat((scores, pad), 1)
                scores.scatter_(1, torch.from_numpy(rows), float("-inf"))
            right = scores.gather(1, torch.from_numpy(targets[some].astype(np.int64))[:, None])
            better = (scores > right).sum(1)
            gains = 1 / torch.log2(better + 2.0)
            total += float(gains[better < K].sum())
        return total / len(order)

    return validate


def arrays(net: SASRecNet) -> dict[str, np.ndarray]:
    """The net's arrays by name, float32; `items.weight` without the row for padding."""
    state = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    return {**state, "items.weight": state["items.weight"][:-1].copy()}
