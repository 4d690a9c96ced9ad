"""What is fitted on the items and on a sample of people before the nets are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from palate import columns as c
from palate.config import Attribute
from palate.data.dataset import Dataset
from palate.features.profile import ProfileDefinition, Statistics, learn_prior
from palate.features.profile.evidence import ItemEvidence
from palate.features.profile.layout import ProfileLayout
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import Profiles
from palate.models.realtime.ids import TrainedIds
from palate.models.realtime.items import ItemEncoder, ItemRows, columns_of

__all__ = ["encoded_items", "evidence_of", "fit_encoder", "fit_profiles"]

PEOPLE: Final = 2000  # whose average is the prior
NEWEST: Final = 200  # events of each of them


def fit_encoder(dataset: Dataset, events: Events, config: RealtimeConfig) -> ItemEncoder:
    """What makes ItemNet's input, fitted on all items of the dataset.

    Args:
        dataset: With attributes of items, or without.
        events: An item of theirs that somebody took has a trained id.
        config: Which parts are read.
    """
    frame, declared = dataset.items_by_row, dataset.schema.items
    columns = None
    if config.attributes:
        columns = columns_of(frame, declared, bins=config.bins, min_count=config.min_count)
    ids = None
    if config.ids:
        taken = np.unique(events.histories.items[events.positive()])
        names = dataset.item_vocabulary.ids
        ids = TrainedIds.of((names[row] for row in taken.tolist()), config.id_buckets)
    texts = config.text if config.attributes else ()
    return ItemEncoder(columns, texts, ids, _vectors(declared) if config.attributes else ())


def encoded_items(dataset: Dataset, encoder: ItemEncoder) -> ItemRows:
    """What ItemNet reads of each item of the vocabulary, then of those that were something else.

    The rows are those of `Histories.versions`.
    """
    names = dataset.item_vocabulary
    last = encoder.encode_frame(names.ids, dataset.items_by_row)
    if dataset.item_versions is None:
        return last
    ids = dataset.item_versions[c.ITEM_ID].to_list()
    return last.then(encoder.encode(ids, dataset.earlier_attributes))


def _vectors(declared: Mapping[str, Attribute]) -> tuple[tuple[str, int], ...]:
    """Attributes that are vectors, with their sizes."""
    return tuple((name, one.size) for name, one in declared.items() if one.size is not None)


def fit_profiles(dataset: Dataset, events: Events, config: RealtimeConfig) -> Profiles:
    """Evidence of the items and the layout under a prior learned from people of the dataset.

    Args:
        dataset: Where no item has an attribute with a distribution, there are no profiles.
        events: Of everybody.
        config: Says whether profiles are read, and for how long evidence counts.
    """
    definition = ProfileDefinition.of(dataset.schema, half_life_days=config.half_life_days)
    if not config.profile or not definition.attributes:
        return Profiles(None, None)
    evidence = evidence_of(dataset, definition)
    people = _people(dataset, events, definition, config.seed)
    prior = learn_prior(people, definition, _NOW_US, partial=True)
    layout = ProfileLayout(definition, prior, top=config.profile_top)
    return Profiles(layout, evidence) if layout.size else Profiles(None, None)


def evidence_of(dataset: Dataset, definition: ProfileDefinition) -> ItemEvidence:
    """What each item of the vocabulary says, then what those said that were something else before.

    The rows are those of `Histories.versions`.
    """
    wanted = list(definition.attributes)
    last = dataset.items_by_row.select(wanted).to_dicts()
    return ItemEvidence.of(definition, [*last, *dataset.earlier_attributes])


_NOW_US: Final = 1 << 51  # in 2041: the moment that everybody's newest event is moved to


def _people(
    dataset: Dataset, events: Events, definition: ProfileDefinition, seed: int
) -> list[Statistics]:
    """Statistics of a sample, each as of their own newest event."""
    histories = events.histories
    active = np.flatnonzero(np.diff(histories.indptr))
    some = np.random.default_rng(seed).permutation(active)[:PEOPLE]
    wanted = dataset.items_by_row.select(list(definition.attributes))
    said = histories.items if histories.versions is None else histories.versions
    people = []
    for user in np.sort(some).tolist():
        stop = int(histories.indptr[user + 1])
        start = max(int(histories.indptr[user]), stop - NEWEST)
        rows: list[Mapping[str, Any]] = list(wanted[histories.items[start:stop]].to_dicts())
        for at in np.flatnonzero(said[start:stop] >= dataset.n_items).tolist():
            rows[at] = dataset.earlier_attributes[said[start + at] - dataset.n_items]
        times = np.maximum(histories.timestamps[start:stop], 0)
        moved = times - times[-1] + _NOW_US
        one = Statistics.empty(definition)
        weights = histories.values[start:stop]
        for row, weight, at_us in zip(rows, weights.tolist(), moved.tolist(), strict=True):
            one.observe(definition.evidence(row), weight, at_us, definition)
        people.append(one)
    return people
