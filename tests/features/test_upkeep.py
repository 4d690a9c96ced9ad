"""Retention with a base: whatever was dropped, a rebuilt state is the one that lived."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.config import LogSettings, Settings
from palate.errors import StoreError
from palate.events.identity import now_us
from palate.events.log import sqlite
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, USER_IDENTIFIED, Event
from palate.features import recent_ids, upkeep
from palate.features.ingest import Ingest, open_base, open_ingest, open_log
from palate.features.keys import META, RECENT
from palate.features.state import State
from palate.testing.event_log import click

DAY_US = 86_400_000_000
NOW_US = 100 * DAY_US


def keeping(days: float = 10.0, *, history_limit: int = 500, **log: float) -> Settings:
    return Settings(
        log=LogSettings(retention_days=days, **log),
        serve={"history_limit": history_limit},
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_clock(day: int) -> None:
        monkeypatch.setattr(sqlite, "now_us", lambda: day * DAY_US)

    return set_clock


def run(ingest: Ingest, day: int = 100) -> int:
    """Steps until there is no more to do; how many."""
    steps = 1
    while ingest.keep_up(day * DAY_US):
        steps += 1
        assert steps < 1000
    return steps


def stored(state: State) -> dict[bytes, bytes]:
    """All but what it says of itself; recent ids too."""
    return {k: v for k, v in state.store.scan(b"") if k.startswith(RECENT) or k[:2] != META}


def rebuilt(home: Path, wanted: Settings) -> dict[bytes, bytes]:
    """What a state is that begins from nothing but the files."""
    shutil.rmtree(home / "state")
    with open_ingest(home, wanted) as ingest:
        assert ingest.state.offset() == ingest.log.head()
        return stored(ingest.state)


def ids(ingest: Ingest) -> list[str]:
    return [record.event.event_id for record in ingest.log.read()]


def test_what_is_old_is_dropped_and_a_rebuild_still_knows_it(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(80)
        ingest.append([click(n) for n in range(5)])
        clock(95)
        ingest.append([click(n) for n in range(5, 8)])
        run(ingest)
        assert ids(ingest) == ["event-5", "event-6", "event-7"]
        lived = stored(ingest.state)
        ann = ingest.state.user("ann")
        assert ann is not None
        assert len(ann.item_ids) == 8
    assert rebuilt(tmp_path, keeping()) == lived


def test_without_a_period_nothing_is_dropped_and_there_is_no_base(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping(0)) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(5)])
        run(ingest)
        assert len(ids(ingest)) == 5
    assert not (tmp_path / "base").exists()


def test_nothing_is_dropped_before_the_slowest_group_has_it(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(5)])
        ingest.log.commit("sink", 2)
        run(ingest)
        assert ids(ingest) == ["event-2", "event-3", "event-4"]
        ingest.log.commit("sink", 5)
        run(ingest)
        assert ids(ingest) == []


def test_a_step_is_small(
    tmp_path: Path, clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "STEP", 10)
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(95)])
        left = [95]
        while ingest.keep_up(NOW_US):
            left.append(len(ids(ingest)))
        assert all(before - after <= 10 for before, after in pairwise(left))
        assert ids(ingest) == []


def test_items_and_links_stay_and_old_versions_go(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    wanted = keeping(versions_days=5.0, tombstones_days=20.0)
    item = {"event": ITEM_UPSERTED, "item_id": "i", "timestamp": 1}
    with open_ingest(tmp_path, wanted) as ingest:
        clock(50)
        ingest.append(
            [
                Event(event_id="i1", **item),  # type: ignore[arg-type]
                Event(event=ITEM_DELETED, event_id="j1", item_id="j", timestamp=1),
                Event(event=USER_IDENTIFIED, event_id="u1", user_id="u", anonymous_id="v"),
                click(1),
            ]
        )
        clock(90)
        ingest.append([Event(event_id="i2", **item), click(2)])  # type: ignore[arg-type]
        clock(99)
        ingest.append([Event(event_id="i3", **item), click(3)])  # type: ignore[arg-type]
        run(ingest)
        # i1 was replaced 10 days ago, i2 only yesterday; j's tombstone is 50 days old.
        assert ids(ingest) == ["u1", "i2", "event-2", "i3", "event-3"]
        lived = stored(ingest.state)
        gone = ingest.state.item("j")
        assert gone is not None
        assert gone.deleted
    assert rebuilt(tmp_path, wanted) == lived


def test_a_tombstone_stays_while_nothing_else_is_dropped(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    wanted = keeping(0, tombstones_days=1.0, versions_days=1.0)
    with open_ingest(tmp_path, wanted) as ingest:
        clock(1)
        ingest.append([Event(event=ITEM_DELETED, event_id="j", item_id="j"), click(1)])
        run(ingest)
        assert ids(ingest) == ["j", "event-1"]


def test_a_trimmed_log_without_its_base_is_refused(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(5)])
        run(ingest)
    shutil.rmtree(tmp_path / "base")
    open_ingest(tmp_path, keeping()).close()  # the state is whole: nothing is missed
    shutil.rmtree(tmp_path / "state")
    with pytest.raises(StoreError, match="no base"):
        open_ingest(tmp_path, keeping())
    open_log(tmp_path, keeping(), read_only=False).close()  # nothing stays locked


def test_a_base_of_another_log_is_refused(tmp_path: Path, clock: Callable[[int], None]) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(5)])
        run(ingest)
    base = open_base(tmp_path, keeping())
    base.store.write({}, offset=99)
    base.close()
    shutil.rmtree(tmp_path / "state")
    with pytest.raises(StoreError, match="the base reflects offset 99"):
        open_ingest(tmp_path, keeping())
    base = open_base(tmp_path, keeping())
    base.store.write({}, offset=5)
    base.store.write({b"m:made_by": b"\x92\x63\x01"})
    base.close()
    with pytest.raises(StoreError, match="another version of Palate wrote the base"):
        open_ingest(tmp_path, keeping())


def test_nothing_is_dropped_on_a_base_of_another_version(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(1)])
        run(ingest)
        clock(50)
        ingest.append([click(2)])
    base = open_base(tmp_path, keeping())
    base.store.write({b"m:made_by": b"\x92\x63\x01"})
    base.close()
    with open_ingest(tmp_path, keeping()) as ingest:
        with pytest.raises(StoreError, match="nothing is dropped"):
            run(ingest)
        assert ids(ingest) == ["event-2"]


def test_another_history_limit_begins_with_the_base(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    with open_ingest(tmp_path, keeping()) as ingest:
        clock(1)
        ingest.append([click(n) for n in range(6)])
        run(ingest)
        clock(99)
        ingest.append([click(6)])
    with open_ingest(tmp_path, keeping(history_limit=3)) as ingest:
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-4", "item-5", "item-6"]


CLICKS = st.builds(
    lambda user, visitor, item, time: Event(
        event="click", user_id=user, anonymous_id=visitor, item_id=item, timestamp=time
    ),
    st.none() | st.sampled_from("uv"),
    st.sampled_from("ab"),
    st.sampled_from("ijk"),
    st.integers(1, 5),
)
OTHERS = st.one_of(
    st.builds(
        lambda user, visitor: Event(
            event=USER_IDENTIFIED, user_id=user, anonymous_id=visitor, timestamp=1
        ),
        st.sampled_from("uv"),
        st.sampled_from("ab"),
    ),
    st.builds(
        lambda kind, item: Event(event=kind, item_id=item, timestamp=1),
        st.sampled_from([ITEM_UPSERTED, ITEM_DELETED]),
        st.sampled_from("ijk"),
    ),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(CLICKS, CLICKS, OTHERS), min_size=15, max_size=30),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_a_rebuild_after_any_upkeep_is_the_state_that_lived(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], limit: int, random: Random
) -> None:
    """Each day: some events, some once more, some steps of upkeep; the log is kept for two days."""
    home = tmp_path_factory.mktemp("home")
    wanted = keeping(
        2.0, history_limit=limit, versions_days=1.0, tombstones_days=3.0, dedup_window_s=0
    )
    events = [msgspec.structs.replace(e, event_id=f"e{n}") for n, e in enumerate(events)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "STEP", 2)
        patch.setattr(recent_ids, "PAGE", 2)
        patch.setattr(recent_ids, "PAGES", random.choice([3, 100]))
        with open_ingest(home, wanted) as ingest:
            for day in range(1, 11):
                patch.setattr(sqlite, "now_us", lambda day=day: day * DAY_US)
                again = random.sample(events[: 3 * day], random.randrange(3))
                ingest.append([*events[3 * day - 3 : 3 * day], *again])
                for _ in range(random.randrange(8)):
                    ingest.keep_up(day * DAY_US)
            lived = stored(ingest.state)
        assert rebuilt(home, wanted) == lived


def test_time_is_when_it_was_received(tmp_path: Path) -> None:
    """Events of 1970 or of tomorrow are as old as their arrival."""
    with open_ingest(tmp_path, keeping(1.0)) as ingest:
        old = Event(event="click", event_id="old", user_id="u", item_id="i", timestamp=1)
        new = Event(
            event="click", event_id="new", user_id="u", item_id="j", timestamp=now_us() + DAY_US
        )
        ingest.append([old, new])
        while ingest.keep_up(now_us()):
            pass
        assert ids(ingest) == ["old", "new"]
