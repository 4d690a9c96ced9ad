"""What an example knows is what was known online at that moment: replayed, and compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.data.from_log import dataset_from_records
from palate.events.log.base import Record
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, RESERVED, Event
from palate.features.profile import ProfileDefinition, ProfileLayout
from palate.features.state import State
from palate.models.realtime import Realtime, RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import Profiles, example_entries, make_examples
from palate.models.realtime.prepare import encoded_items, fit_encoder, fit_profiles
from palate.store.memory_store import MemoryStore
from palate.types import AttributeKind, Float32Array

SCHEMA = Schema(
    events={"view": EventType(weight=1.0), "save": EventType(weight=3.0)},
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
    },
)
CONFIG = RealtimeConfig(repeats=True, short=0.0, ahead=1, half_life_days=10.0)
HOUR_US = 3_600_000_000
START_US = 20_000 * 24 * HOUR_US

ITEM = st.sampled_from(["a", "b", "c"])
LISTED = st.builds(
    lambda item, colour, price: Event(
        event=ITEM_UPSERTED, item_id=item, attributes={"colour": colour, "price": price}
    ),
    ITEM,
    st.sampled_from(["red", "blue", None]),
    st.sampled_from([500.0, 9_000.0, 80_000.0, None]),
)
SOLD = st.builds(lambda item: Event(event=ITEM_DELETED, item_id=item), ITEM)
TAKEN = st.builds(
    lambda event, user, item: Event(event=event, user_id=user, item_id=item),
    st.sampled_from(["view", "save"]),
    st.sampled_from(["anna", "ben"]),
    ITEM,
)
LOGS = st.lists(LISTED | SOLD | TAKEN, max_size=20)


def timed(events: list[Event]) -> list[Record]:
    """One an hour."""
    return [
        Record(offset, structs.replace(event, timestamp=START_US + offset * HOUR_US))
        for offset, event in enumerate(events, 1)
    ]


def online(records: list[Record], layout: ProfileLayout) -> dict[str, list[Float32Array]]:
    """Of each user, the vector at each of their events, as the state had it just before."""
    state = State(MemoryStore(), SCHEMA, 10, profile=layout.definition)
    found: dict[str, list[Float32Array]] = {}
    for record in records:
        event = record.event
        if event.user_id and event.event not in RESERVED:
            kept = state.profiles.user(event.user_id)
            vector = np.zeros(layout.size, np.float32)
            if kept is not None:
                vector = layout.vector(kept, event.timestamp)
            found.setdefault(event.user_id, []).append(vector)
        state.apply([record], after=record.offset - 1)
    return found


def trained(dataset: Dataset, profiles: Profiles) -> dict[str, list[Float32Array]]:
    """The profiles of the training table, likewise."""
    events = Events.of(dataset)
    entries = example_entries(events, CONFIG, np.ones(len(events), np.bool_))
    (examples,) = make_examples(events, entries, profiles, CONFIG)
    found: dict[str, list[Float32Array]] = {}
    for user, vector in zip(events.histories.users().tolist(), examples.profile, strict=True):
        found.setdefault(dataset.user_vocabulary.id(user), []).append(vector)
    return found


def listed(item: str, **attributes: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes)


def view(item: str, user: str = "anna") -> Event:
    return Event(event="view", user_id=user, item_id=item)


def some_log() -> list[Record]:
    """A view of what is not listed yet, of two prices of one car, and of what is sold."""
    return timed([
        listed("a", colour="red", price=500.0),
        view("b"),
        view("a"),
        listed("a", colour="blue", price=80_000.0),
        view("a"),
        listed("b", colour="red", price=9_000.0),
        view("a", "ben"),
        Event(event=ITEM_DELETED, item_id="a"),
        view("a", "ben"),
        view("b", "ben"),
        view("b"),
    ])  # fmt: skip


def fitted_on(dataset: Dataset) -> Profiles:
    return fit_profiles(dataset, Events.of(dataset), CONFIG)


@settings(max_examples=50)
@given(LOGS)
def test_the_profile_of_then_is_what_was_online(events: list[Event]) -> None:
    always = [listed("z", colour="red", price=1.0), view("z", "cleo"), view("z", "cleo")]
    records = timed([*always, *events])
    dataset = dataset_from_records(records, SCHEMA)
    profiles = fitted_on(dataset)
    assert profiles.layout is not None
    wanted, found = online(records, profiles.layout), trained(dataset, profiles)
    assert found.keys() == wanted.keys()
    for user, vectors in wanted.items():
        np.testing.assert_allclose(found[user], vectors, rtol=1e-5, atol=1e-6)


def test_the_price_of_then_is_no_longer_what_is_known_last() -> None:
    """Without the versions the same log trains on other profiles."""
    records = some_log()
    dataset = dataset_from_records(records, SCHEMA)
    assert dataset.item_versions is not None
    profiles = fitted_on(dataset)
    assert profiles.layout is not None
    wanted = online(records, profiles.layout)
    found = trained(dataset, profiles)
    np.testing.assert_allclose(found["anna"], wanted["anna"], rtol=1e-5, atol=1e-6)
    last = Dataset.from_canonical(
        dataset.interactions.drop("item_version"),
        items=dataset.items, users=dataset.users, schema=dataset.schema,
    )  # fmt: skip
    others = trained(last, Profiles(profiles.layout, fitted_on(last).evidence))
    assert np.abs(np.array(others["anna"]) - np.array(wanted["anna"])).max() > 0.05


def test_a_model_answers_by_what_items_are_now(quick: RealtimeConfig) -> None:
    """What they were is for training: it is not saved, and the same whoever asks."""
    dataset = dataset_from_records(some_log(), SCHEMA)
    model = Realtime(quick.model_copy(update={"epochs": 1})).fit(dataset)
    asked = dataset.histories
    assert asked.versions is not None
    assert asked.versions.max() >= dataset.n_items
    scores = model.score_histories(asked)
    np.testing.assert_array_equal(scores, model.score_histories(asked.as_known_last()))
    assert len(model._state()["evidence/indptr"]) == dataset.n_items + 1


def test_items_are_encoded_as_they_were() -> None:
    dataset = dataset_from_records(some_log(), SCHEMA)
    assert dataset.item_versions is not None
    encoder = fit_encoder(dataset, Events.of(dataset), CONFIG.model_copy(update={"min_count": 1}))
    rows = encoded_items(dataset, encoder)
    ids = dataset.item_versions["item_id"].to_list()
    assert ids == ["b", "a", "a"]  # before it was listed; at the price before; once it was sold
    assert dataset.version_rows.tolist() == dataset.item_vocabulary.rows(ids).tolist()
    said = [{}, {"colour": "red", "price": 500.0}, {}]
    alone = encoder.encode(ids, said)
    for name in ("slots", "weights", "numbers", "ids"):
        found = getattr(rows, name)[dataset.n_items :]
        np.testing.assert_array_equal(found, getattr(alone, name))
    assert len(rows.head(dataset.n_items)) == dataset.n_items


def test_the_average_person_is_of_then() -> None:
    definition = ProfileDefinition.of(SCHEMA)
    changed = timed([listed("a", colour="red"), view("a"), listed("a", colour="blue")])
    profiles = fitted_on(dataset_from_records(changed, SCHEMA))
    assert profiles.layout is not None
    assert profiles.layout.definition.attributes == definition.attributes
    assert "colour=red" in profiles.layout.names
    assert "colour=blue" not in profiles.layout.names
