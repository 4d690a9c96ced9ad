"""Training of the three nets: examples in memory or in Parquet, judged on what came later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.held_out import HeldOut
from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_batches import array_batches, parquet_batches
from palate.models.nets.realtime_loss import ItemTensors, JointLoss, embed_all
from palate.models.nets.realtime_rate import FallingRate
from palate.models.newest import newest_liked
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.context import NAMES
from palate.models.realtime.events import Events
from palate.models.realtime.examples import (
    Examples,
    Profiles,
    example_entries,
    make_examples,
)
from palate.models.realtime.exposure import log_exposure
from palate.models.realtime.items import ItemEncoder, ItemRows
from palate.models.realtime.prepare import encoded_items
from palate.models.realtime.table import write_examples
from palate.train.batches import Batches
from palate.train.loop import train
from palate.train.optim import adam
from palate.train.seeds import seeded
from palate.types import BoolArray, Float32Array, Int32Array, Progress

__all__ = ["Course", "learn", "sizes_of"]

SAMPLE: Final = 20_000  # examples whose profiles say how wide each of their numbers spreads
USERS_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True)
class Course:
    """What is learned from.

    Attributes:
        events: Of everybody.
        profiles: What profiles are made of.
        encoder: What made `rows`.
        rows: Of all items as they are known last, then of what they were before.
        earlier: (m,) int32 the item of each of the latter.
        config: Hyperparameters.
        folder: Where the training table is written, to be streamed; None holds it in memory.
        progress: Called while training.
    """

    events: Events
    profiles: Profiles
    encoder: ItemEncoder
    rows: ItemRows
    earlier: Int32Array
    config: RealtimeConfig
    folder: Path | None = None
    progress: Progress | None = None

    @classmethod
    def over(
        cls,
        dataset: Dataset,
        events: Events,
        profiles: Profiles,
        encoder: ItemEncoder,
        config: RealtimeConfig,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Of the items of a dataset, encoded; all else as given."""
        rows, earlier = encoded_items(dataset, encoder), dataset.version_rows
        return cls(events, profiles, encoder, rows, earlier, config, folder, progress)


def learn(
    course: Course,
    among: BoolArray,
    held: HeldOut | None,
    epochs: int,
    *,
    start: RealtimeNet | None = None,
) -> tuple[RealtimeNet, int]:
    """A net in evaluation mode, and its best epoch.

    Args:
        course: What is learned from.
        among: (n,) bool, the events that may be examples.
        held: What decides when to stop; None trains all `epochs`.
        epochs: At most.
        start: The net that learns on; a fresh one by default.
    """
    config = course.config.model_copy(update={"epochs": epochs})
    batches, counts, sample = _batches(course, among, "whole" if held is None else "stopping")
    net = _fresh(course, sample) if start is None else start
    items = ItemTensors(course.rows, course.earlier)
    loss = JointLoss(items, counts, config, exposure=_exposure(course, among))
    validate = None if held is None else _validation(net, items, held, course)
    optimizer = adam(net, config)
    if config.anneal:
        batches = FallingRate(batches, optimizer, epochs)
    done = train(
        net,
        loss,
        batches,
        config,
        validate=validate,
        optimizer=lambda _: optimizer,
        progress=course.progress,
    )
    return net, done.epoch


def _fresh(course: Course, sample: Float32Array) -> RealtimeNet:
    """A net with drawn weights, which knows how wide profiles spread."""
    with seeded(course.config.seed):
        net = RealtimeNet(sizes_of(course), course.config)
    net.standardise(torch.from_numpy(sample))
    return net


def sizes_of(course: Course) -> Sizes:
    """What a net of this course reads."""
    encoder, config = course.encoder, course.config
    return Sizes(
        features=encoder.n_features,
        numbers=encoder.n_numbers,
        ids=encoder.n_ids,
        profile=course.profiles.size,
        context=len(NAMES) if config.context else 0,
        outcomes=len(course.events.outcomes),
    )


def _batches(
    course: Course, among: BoolArray, inside: str
) -> tuple[Batches, np.ndarray, Float32Array]:
    """Batches, examples of each item, and a sample of profiles."""
    events, config = course.events, course.config
    entries = example_entries(events, config, among)
    if not len(entries):
        raise DataError(
            "realtime has nothing to learn from: no event is worth more than 0",
            hint="give ratings or event weights above 0",
        )
    n_items = events.histories.n_items
    counts = np.bincount(events.histories.items[entries], minlength=n_items).astype(np.float64)
    rng = np.random.default_rng(config.seed)
    some = np.sort(rng.permutation(len(entries))[:SAMPLE])
    sample = course.profiles.before(events.histories, entries[some])
    parts = make_examples(events, entries, course.profiles, config)
    if course.folder is not None:
        paths = write_examples(parts, course.folder / inside)
        return parquet_batches(paths, n_items, config), counts, sample
    return array_batches(_joined(list(parts)), n_items, config), counts, sample


def _exposure(course: Course, among: BoolArray) -> Float32Array | None:
    """Of all items, by what is known when the last example happens; None where it is not asked."""
    if course.config.exposure == 0:
        return None
    histories = course.events.histories
    times = histories.timestamps
    examples = times[example_entries(course.events, course.config, among)]
    told = course.events.positive() & (times <= examples.max())
    return log_exposure(histories.items[told], times[told], examples, histories.n_items)


def _joined(parts: list[Examples]) -> Examples:
    if len(parts) == 1:
        return parts[0]
    names = Examples.__slots__
    return Examples(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def _validation(
    net: RealtimeNet, items: ItemTensors, held: HeldOut, course: Course
) -> Callable[[], float]:
    """NDCG@10 of what came later, over all items, by the embeddings alone."""
    asked = held.asked
    profiles = course.profiles.after(asked)
    recent = newest_liked(asked, max(1, course.config.recent))[0][:, : course.config.recent]
    context = np.zeros((asked.n_users, net.sizes.context), np.float32)

    def validate() -> float:
        vectors = embed_all(net, items)
        at = 0

        def scores(part: Histories) -> Float32Array:
            nonlocal at
            some = slice(at, at + part.n_users)
            at += part.n_users
            of = torch.from_numpy(recent[some].astype(np.int64))
            users = net.user(
                torch.from_numpy(profiles[some]), vectors[of], torch.from_numpy(context[some])
            )
            found: Float32Array = (users @ vectors[:-1].T).numpy()
            return found

        return held.ndcg(scores)

    return validate
