"""A worker's replica: what is sold stays sold, nothing is mixed, the worst snapshot is refused."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.retrieval.stage import CARS, A, B, Stage

from palate.errors import StoreError
from palate.events.log.base import Record
from palate.retrieval.checks import Checks, Comparison
from palate.retrieval.index import LocalIndex
from palate.retrieval.index.base import VectorIndex
from palate.retrieval.indexer import Indexer
from palate.retrieval.live import Live
from palate.retrieval.snapshot import Entry
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet
from palate.testing.process import until


@pytest.fixture
def stage(catalogue: LiveCatalogue) -> Stage:
    return Stage(catalogue, A)


def found(live: Live[FakeEncoder] | None, k: int = 100) -> set[str]:
    """Everything that can be found."""
    assert live is not None
    query = np.ones((1, live.index.dimension), np.float32)
    return set(live.index.search(query, k)[0].ids)


def test_without_a_snapshot_nothing_answers(stage: Stage) -> None:
    replica = stage.replica()
    assert (replica.refresh(), replica.follow(), replica.live) == (False, 0, None)
    stage.publish()
    stage.wanted = None
    assert not replica.refresh()


def test_it_answers_from_what_is_pointed_to_and_follows(stage: Stage) -> None:
    entry = stage.publish()
    stage.sell("car1")
    replica = stage.replica()
    assert replica.refresh()
    assert found(replica.live) == {*CARS} - {"car1"}, "replayed before it answers"
    assert replica.live is not None
    assert (replica.live.snapshot, replica.live.space) == (entry.snapshot, "aaaa")
    stage.sell("car2")
    stage.catalogue.put("new", {"price": 1})
    run_until_quiet(stage.embedder)
    assert replica.follow() == 2
    assert found(replica.live) == {*CARS, "new"} - {"car1", "car2"}
    assert replica.live.applied == stage.topic.head()
    assert not replica.refresh(), "it is what is pointed to"
    assert replica.freshness.count == 2


def test_a_car_sold_after_the_snapshot_is_not_brought_back(stage: Stage) -> None:
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    entry = stage.publish()  # holds car1
    stage.sell("car1")
    replica.follow()
    assert "car1" not in found(replica.live)
    assert replica.refresh()
    assert replica.live is not None
    assert replica.live.snapshot == entry.snapshot
    assert "car1" not in found(replica.live)


class LateSale(Checks):
    """Something happens between the end of the replay and the switch."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        object.__setattr__(self, "happens", happens)

    def compare(
        self, old: VectorIndex | None, new: VectorIndex, sample: Sequence[str], *, same_space: bool
    ) -> Comparison:
        found = super().compare(old, new, sample, same_space=same_space)
        if old is not None:
            self.happens()  # type: ignore[attr-defined]
        return found


def test_a_car_sold_between_replay_and_switch_is_not_brought_back(stage: Stage) -> None:
    def late() -> None:
        stage.sell("car1")
        replica.follow()
        assert "car1" not in found(replica.live), "the old one has it already"

    replica = stage.replica(checks=LateSale(late))
    stage.publish()
    replica.refresh()
    stage.publish()
    assert replica.refresh()
    assert "car1" not in found(replica.live)
    assert replica.follow() == 0, "before anything else was applied"


class Interrupted:
    """A topic that lets something happen before a read of it."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.happens: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def read(self, after: int = 0, **options: Any) -> list[Record]:
        happens, self.happens = self.happens, lambda: None
        records: list[Record] = self._real.read(after, **options)
        happens()
        return records


def test_a_follower_in_the_middle_of_a_switch_waits_for_it(stage: Stage) -> None:
    """The old index cannot get ahead while the new one takes its last records."""
    topic = stage.topic = Interrupted(stage.topic)
    threads: list[threading.Thread] = []

    def race() -> None:
        """While the last records are read: a sale, and a thread that applies it to the old."""
        stage.sell("car1")
        thread = threading.Thread(target=replica.follow)
        thread.start()
        threads.append(thread)

    def arm() -> None:
        topic.happens = race

    replica = stage.replica(checks=LateSale(arm))
    stage.publish()
    replica.refresh()
    old = replica.live
    stage.publish()
    stage.sell("car2")
    assert replica.refresh()
    threads[0].join()
    assert replica.live is not old
    assert {"car1", "car2"}.isdisjoint(found(replica.live))
    assert {"car1", "car2"}.isdisjoint(found(old)), "and it is fit for a rollback"


def test_the_embedder_lags_behind_the_sale(stage: Stage) -> None:
    """A sale that is in no topic yet is in neither index: that is the last filter's work."""
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    sold = stage.catalogue.sell("car1")
    stage.publish()
    assert replica.refresh()
    assert replica.live is not None
    assert replica.live.indexer.item_offset < sold, "so it says of itself"
    assert "car1" in found(replica.live)
    state = stage.catalogue.ingest.state.item("car1")
    assert state is not None
    assert not state.showable
    run_until_quiet(stage.embedder)
    replica.follow()
    assert "car1" not in found(replica.live)


def test_nets_and_index_of_a_new_space_switch_together(catalogue: LiveCatalogue) -> None:
    stage = Stage(catalogue, A, B)
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    stage.wanted = B
    assert not replica.refresh(), "its space has no snapshot: the old one goes on, nets and all"
    taken = replica.live
    assert taken is not None
    assert (taken.nets, taken.index.dimension) == (A, 8)
    stage.publish("bbbb")
    assert replica.refresh()
    assert replica.live is not None
    assert (replica.live.nets, replica.live.index.dimension) == (B, 5)
    assert (taken.nets, taken.index.dimension) == (A, 8), "a request ends on what it began with"
    assert replica.comparison is not None
    assert 0 <= replica.comparison.overlap <= 1
    assert found(taken) == {*CARS}


def test_what_is_kept_follows_and_comes_back_at_once(catalogue: LiveCatalogue) -> None:
    stage = Stage(catalogue, A, B)
    replica = stage.replica()
    one = stage.publish()
    replica.refresh()
    stage.publish("bbbb")
    stage.wanted = B
    replica.refresh()
    stage.embedder.use([B])  # nobody embeds the old space any more
    stage.sell("car1")
    replica.follow()
    stage.sell("car2")
    live = replica.rollback()
    assert live is replica.live
    assert (live.nets, live.snapshot, replica.rollbacks) == (A, one.snapshot, 1)
    assert {"car1", "car2"}.isdisjoint(found(live)), "sold while it did not answer"
    assert not replica.refresh(), "what was left is not taken again"
    assert replica.live is live


def test_there_is_nothing_to_roll_back_to(stage: Stage) -> None:
    replica = stage.replica()
    with pytest.raises(StoreError, match="no index"):
        replica.rollback()
    stage.publish()
    replica.refresh()
    with pytest.raises(StoreError, match="no index"):
        replica.rollback()


def test_a_pointer_rolled_back_brings_the_old_one_back(stage: Stage) -> None:
    replica = stage.replica()
    one = stage.publish()
    replica.refresh()
    old = replica.live
    stage.catalogue.put("car1", {"price": 5})
    run_until_quiet(stage.embedder)
    stage.publish()
    replica.refresh()
    assert stage.catalogue.snapshots.roll_back("aaaa") == one
    assert replica.refresh()
    assert replica.live is old, "the same, not loaded again"


def corrupt(stage: Stage, entry: Entry) -> None:
    path = stage.catalogue.home / "objects" / entry.snapshot / "index.json"
    raw = path.read_text()
    path.unlink()
    path.write_text(raw + " ")


def test_a_corrupt_snapshot_is_refused_and_counted(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    old = replica.live
    corrupt(stage, bad := stage.publish())
    assert not replica.refresh()
    assert (replica.live, replica.refused) == (old, 1)
    assert bad.snapshot in caplog.text
    assert not replica.refresh()
    assert replica.refused == 1, "not at every look"
    stage.now = 31.0
    assert not replica.refresh()
    assert replica.refused == 2
    stage.publish()
    assert replica.refresh(), "the next one is taken at once"


def test_an_absurd_snapshot_is_refused(stage: Stage) -> None:
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    for absurd in (LocalIndex(8), LocalIndex.build(CARS, np.ones((20, 8), np.float32))):
        stage.publish(index=absurd)
        assert not replica.refresh()
    assert replica.refused == 2
    assert found(replica.live) == {*CARS}


def test_a_snapshot_of_another_topic_is_refused(stage: Stage) -> None:
    stage.catalogue.snapshots.publish(
        LocalIndex(8), space="aaaa", item_offset=1, embeddings_offset=10_000
    )
    replica = stage.replica()
    assert not replica.refresh()
    assert replica.refused == 1


def test_a_snapshot_older_than_the_topic_is_refused(stage: Stage) -> None:
    stage.publish()
    for n in range(5):
        stage.catalogue.put("car1", {"price": n})
    run_until_quiet(stage.embedder)
    stage.topic.trim(stage.topic.head())
    replica = stage.replica()
    assert not replica.refresh()
    assert (replica.live, replica.refused) == (None, 1)
    stage.catalogue.snapshots.withdraw("aaaa")


def test_who_fell_behind_a_trim_loads_again(stage: Stage) -> None:
    replica = stage.replica()
    stage.publish()
    replica.refresh()
    kept = LocalIndex(8)
    indexer = Indexer(stage.topic, kept, "aaaa")
    indexer.catch_up()
    for car in ("car1", "car2"):
        stage.sell(car)
    indexer.catch_up()
    stage.topic.trim(stage.topic.head() + 1)
    assert replica.follow() == 0
    assert replica.follow() == 0, "it waits for a snapshot"
    assert "car1" in found(replica.live), "as before; the last filter knows better"
    stage.catalogue.snapshots.publish(
        kept, space="aaaa", item_offset=22, embeddings_offset=indexer.applied, sample=CARS
    )
    assert replica.refresh()
    assert {"car1", "car2"}.isdisjoint(found(replica.live))
    assert replica.previous is None, "what missed something is nothing to go back to"


def test_workers_load_one_after_another(stage: Stage) -> None:
    replicas = [stage.replica(number=number, stagger_s=2.0) for number in range(3)]
    stage.publish()
    assert [one.refresh() for one in replicas] == [True, True, True], "none answers yet: at once"
    stage.publish()
    assert [one.refresh() for one in replicas] == [True, False, False]
    stage.now = 2.0
    assert [one.refresh() for one in replicas] == [False, True, False]
    stage.now = 4.0
    assert [one.refresh() for one in replicas] == [False, False, True]


def test_workers_that_answer_already_load_even_the_first_one_after_another(stage: Stage) -> None:
    """It is of another space, and both at once would slow all answers down."""
    replicas = [stage.replica(number=number, stagger_s=2.0, waits=True) for number in range(2)]
    stage.publish()
    assert [one.refresh() for one in replicas] == [True, False]
    stage.now = 2.0
    assert [one.refresh() for one in replicas] == [False, True]


def test_threads_follow_and_refresh_until_they_are_stopped(stage: Stage) -> None:
    replica, stop = stage.replica(), threading.Event()
    stage.publish()
    threads = [
        threading.Thread(target=replica.follow_until, args=(stop,), kwargs={"poll_s": 0.001}),
        threading.Thread(target=replica.refresh_until, args=(stop,), kwargs={"poll_s": 0.001}),
    ]
    for thread in threads:
        thread.start()
    until(lambda: replica.live is not None)
    stage.sell("car1")
    until(lambda: "car1" not in found(replica.live))
    stage.publish()
    until(lambda: replica.switches == 2)
    stop.set()
    for thread in threads:
        thread.join()


def test_a_topic_that_cannot_be_read_stops_no_thread(stage: Stage, tmp_path: Path) -> None:
    """Both threads go on after a fault, and what answers stays."""

    class Failing:
        reads = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(stage.catalogue.topic, name)

        def read(self, after: int = 0, **options: Any) -> list[Record]:
            self.reads += 1
            if self.reads == 3:
                stop.set()
                raise StoreError("the disk is gone")
            return stage.catalogue.topic.read(after, **options)

    stop = threading.Event()
    stage.publish()
    stage.topic = Failing()
    replica = stage.replica()
    replica.refresh()
    replica.follow_until(stop, poll_s=0.0)
    assert found(replica.live) == {*CARS}


def test_an_index_is_freed_when_changes_are_applied_again(stage: Stage) -> None:
    """To free a large one takes long: meanwhile nothing would be applied."""
    replica = stage.replica()
    while_locked: list[bool] = []
    for _ in range(4):
        stage.publish()
        assert replica.refresh()
        assert replica.live is not None
        weakref.finalize(
            replica.live.index, lambda: while_locked.append(replica._changing.locked())
        )
    assert while_locked == [False, False], "the newest two are held"
    replica._lost = True  # so that a refresh lets go of both
    stage.publish()
    assert replica.refresh()
    assert while_locked == [False] * 4
