"""Which rows are learned when a release learns on, counted by hand; and what must not change."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import ConfigError, DataError
from palate.models.realtime import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.further import FIXED, Lesson, check_config, lesson

CONFIG = RealtimeConfig()
SECOND_US = 1_000_000


def events(rows: list[tuple[str, str, int]]) -> Events:
    """Views (user, item, seconds)."""
    users, items, times = zip(*rows, strict=True)
    frame = pl.DataFrame({"user_id": users, "item_id": items, "timestamp": times})
    return Events.of(Dataset.from_frames(frame))


def learned(some: Events, found: Lesson) -> tuple[list[int], list[int]]:
    """Seconds at which what is new and what is replayed happened."""
    times = some.histories.timestamps // SECOND_US
    return times[found.new].tolist(), sorted(times[found.replayed].tolist())


def test_what_came_later_is_new_and_the_moment_itself_is_old() -> None:
    some = events([("u", "a", 1), ("u", "b", 5), ("u", "c", 6)])
    assert learned(some, lesson(some, CONFIG, 5 * SECOND_US))[0] == [6]


def test_a_return_to_an_old_item_is_no_example() -> None:
    some = events([("u", "a", 1), ("u", "a", 7), ("u", "b", 8)])
    assert learned(some, lesson(some, CONFIG, 5 * SECOND_US)) == ([8], [1])


def test_as_many_old_ones_stand_beside_as_asked() -> None:
    old = [("u", f"o{n}", n) for n in range(100)]
    some = events([*old, *[("v", f"n{n}", 200 + n) for n in range(10)]])
    for replay, expected in ((0.0, 0), (0.5, 5), (1.0, 10), (3.0, 30), (99.0, 100)):
        found = lesson(some, CONFIG.model_copy(update={"replay": replay}), 150 * SECOND_US)
        assert (len(found.new), len(found.replayed)) == (10, expected)
        assert len(set(found.replayed.tolist())) == expected
        assert found.among(len(some)).sum() == 10 + expected


def test_the_seed_draws_them() -> None:
    old = [("u", f"o{n}", n) for n in range(100)]
    some = events([*old, ("v", "n", 200)])
    config = CONFIG.model_copy(update={"replay": 20.0})
    first, again = (lesson(some, config, 150 * SECOND_US).replayed.tolist() for _ in range(2))
    other = config.model_copy(update={"seed": 7})
    assert first == again != lesson(some, other, 150 * SECOND_US).replayed.tolist()


def test_nothing_old_is_nothing_to_replay() -> None:
    some = events([("u", "a", 6), ("u", "b", 7)])
    assert learned(some, lesson(some, CONFIG, 0)) == ([6, 7], [])


def test_nothing_new_is_refused() -> None:
    some = events([("u", "a", 1), ("u", "a", 9)])
    with pytest.raises(DataError, match="nothing new to learn"):
        lesson(some, CONFIG, 5 * SECOND_US)


def test_what_shapes_nets_is_a_setting_and_may_not_change() -> None:
    assert set(FIXED) <= set(RealtimeConfig.model_fields)
    other: dict[str, Any] = {"text": ("title",), "rank_hidden": (8, 8), "rerank": "never"}
    for name in FIXED:
        value = getattr(CONFIG, name)
        changed = other.get(name, (not value) if isinstance(value, bool) else None)
        changed = value + 1 if changed is None else changed
        with pytest.raises(ConfigError, match=rf"with {name} = "):
            check_config(CONFIG, CONFIG.model_copy(update={name: changed}))


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.5}, {"replay": 0.0}, {"seed": 1}, {"dropout": 0.3}]
)
def test_what_says_how_to_learn_may_change(change: dict[str, Any]) -> None:
    check_config(CONFIG, CONFIG.model_copy(update=change))
