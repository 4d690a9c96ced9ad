"""The roles in processes of their own: killed in the middle, started again, nothing lost."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from palate.errors import LogError
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.index import LocalIndex
from palate.retrieval.processes import (
    open_snapshots,
    run_embedder,
    run_indexer,
    trim_embeddings,
)
from palate.retrieval.replica import Replica
from palate.retrieval.spaces import Spaces
from palate.store.base import Pointer
from palate.store.redis_pointer import RedisPointer
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, offsets_fall, run_until_quiet, same
from palate.testing.process import OtherProcess, until

A, B = FakeEncoder("aaaa"), FakeEncoder("bbbb", dimension=5)

# It says how far it is before it writes a batch, so that it can be killed right there.
EMBEDDER = """
import threading
from pathlib import Path
from palate.config import Settings
from palate.events.log.sqlite import SqliteEventLog
from palate.retrieval.processes import run_embedder
from palate.testing.encoder import FakeEncoder

plain = SqliteEventLog.append
def append(self, events):
    print("before", len(events), flush=True)
    done = plain(self, events)
    print("after", len(events), flush=True)
    return done
SqliteEventLog.append = append
settings = Settings(home=Path({home!r}), retrieval={{"batch": 10, "wait_s": 0.001}})
encoders = [FakeEncoder(space, dimension) for space, dimension in {spaces!r}]
pointer = None
{pointer}
run_embedder(settings, threading.Event(), encoders=lambda: encoders, pointer=pointer)
"""


def embedder_in_another_process(
    home: Path, *encoders: FakeEncoder, pointer: str = ""
) -> OtherProcess:
    spaces = [(encoder.space, encoder.dimension) for encoder in encoders]
    return OtherProcess(EMBEDDER.format(home=str(home), spaces=spaces, pointer=pointer))


@pytest.fixture(params=["sqlite", "redis"])
def agreed(
    request: pytest.FixtureRequest, catalogue: LiveCatalogue, redis_server: Any
) -> tuple[Pointer, str]:
    """A pointer, and what opens it in another process."""
    if request.param == "sqlite":
        return catalogue.pointer, ""
    url, namespace = redis_server.connection_url, uuid.uuid4().hex
    source = (
        "from palate.store.redis_pointer import RedisPointer\n"
        f"pointer = RedisPointer({url!r}, namespace={namespace!r})"
    )
    return RedisPointer(url, namespace=namespace), source


def test_an_embedder_killed_in_the_middle_loses_and_doubles_nothing(
    catalogue: LiveCatalogue, agreed: tuple[Pointer, str]
) -> None:
    """Killed before and after writes of the catalogue's pages and of changes, then left alone."""
    pointer, source = agreed
    deaths = (4,) if source else (3, 6)  # lines that are heard before
    for n in range(60):
        catalogue.put(f"car{n}", {"price": n})
    for lines in deaths:
        with embedder_in_another_process(catalogue.home, A, B, pointer=source) as other:
            for _ in range(lines):
                other.line()
                catalogue.put(f"car{lines}", {"price": 1000 + lines})
            catalogue.sell(f"car{lines + 20}")
    with embedder_in_another_process(catalogue.home, A, B, pointer=source):
        until(lambda: _is_done(catalogue, pointer))
    for encoder in (A, B):
        assert same(catalogue.reflected(encoder.space), catalogue.truth(encoder))
    published = catalogue.published()
    assert offsets_fall(published) == []
    effects = [(e.space, e.item_id, e.item_offset) for e in published]
    assert len(effects) == len(set(effects)), "none twice"


def _is_done(catalogue: LiveCatalogue, pointer: Pointer) -> bool:
    spaces, _ = Spaces(pointer).read()
    log = catalogue.ingest.log
    return log.committed("embedder") == log.head() and all(
        space.complete_at is not None for space in spaces.values()
    )


def test_two_embedders_for_one_home_are_refused(catalogue: LiveCatalogue) -> None:
    catalogue.put("car1", {"price": 1})
    with embedder_in_another_process(catalogue.home, A) as other:
        other.line()
        with pytest.raises(LogError, match="already open"):
            run_embedder(catalogue.settings, threading.Event(), encoders=lambda: [A])


class Roles:
    """Embedder and indexer as threads, until the end of the block."""

    def __init__(self, catalogue: LiveCatalogue, encoders: list[FakeEncoder]) -> None:
        table = {"wait_s": 0.001, "refresh_s": 0.01, "both_s": 0.0}
        settings = catalogue.settings.model_copy(update={"retrieval": table})
        self.settings = settings
        self.stop = threading.Event()
        self.faults: list[BaseException] = []

        def embed() -> None:
            run_embedder(settings, self.stop, encoders=lambda: list(encoders))

        self.threads = [
            threading.Thread(target=self._guarded, args=(embed,)),
            threading.Thread(
                target=self._guarded, args=(lambda: run_indexer(settings, self.stop),)
            ),
        ]

    def _guarded(self, role: Any) -> None:
        try:
            role()
        except BaseException as error:
            self.faults.append(error)
            raise

    def __enter__(self) -> Roles:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert self.faults == []


def test_from_a_change_to_an_answer_and_over_to_a_new_space(catalogue: LiveCatalogue) -> None:
    """All roles run: items come, are sold, and a new net takes over, index and all."""
    encoders = [A]
    with Roles(catalogue, encoders) as roles:  # before there is anything, the log included
        for n in range(30):
            catalogue.put(f"car{n}", {"price": n})
        snapshots = open_snapshots(roles.settings, catalogue.pointer)
        until(lambda: snapshots.pointed("aaaa") is not None)
        with open_embeddings(catalogue.home, read_only=True) as topic:
            replica = Replica(topic, snapshots, lambda: encoders[0])
            until(replica.refresh)
            until(lambda: (replica.follow(), replica.live and len(replica.live.index))[1] == 30)
            catalogue.sell("car3")
            until(lambda: (replica.follow(), replica.live and len(replica.live.index))[1] == 29)
            encoders[:] = [B]
            until(replica.refresh)
            assert replica.live is not None
            assert (replica.live.nets, replica.live.index.dimension) == (B, 5)
            assert len(replica.live.index) == 29
            until(lambda: set(Spaces(catalogue.pointer).read()[0]) == {"bbbb"})
    assert same(catalogue.reflected("bbbb"), catalogue.truth(B))


def test_they_end_while_they_still_wait(tmp_path: Path, catalogue: LiveCatalogue) -> None:
    settings = catalogue.settings.model_copy(update={"home": tmp_path / "nothing there"})
    stop = threading.Event()
    threads = [
        threading.Thread(target=run_embedder, args=(settings, stop), kwargs={"encoders": list}),
        threading.Thread(target=run_indexer, args=(settings, stop)),
    ]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join()


def test_a_broken_net_holds_up_no_other(catalogue: LiveCatalogue) -> None:
    broken = FakeEncoder("cccc")
    broken.broken = True
    with Roles(catalogue, [A, broken]):
        catalogue.put("car1", {"price": 1})
        catalogue.put("car2", {"price": 1})
        until(lambda: catalogue.ingest.log.committed("embedder") == 2)
    assert same(catalogue.reflected("aaaa"), catalogue.truth(A))


def test_trimming_stops_at_what_somebody_needs(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    for n in range(10):
        catalogue.put(f"car{n}", {"price": n})
    run_until_quiet(embedder)
    snapshots, topic = catalogue.snapshots, catalogue.topic

    def trimmed() -> int:
        trim_embeddings(topic, embedder.spaces, snapshots)
        return topic.start()

    assert trimmed() == 1, "no snapshot has any of it"
    for offset in (4, 7):
        snapshots.publish(LocalIndex(8), space="aaaa", item_offset=9, embeddings_offset=offset)
    assert trimmed() == 5, "the older one may still be loaded"
    snapshots.publish(LocalIndex(8), space="aaaa", item_offset=9, embeddings_offset=9)
    topic.commit("another team", 5)
    assert trimmed() == 6, "somebody else reads it"
    topic.commit("another team", 10)
    embedder.use([A, B])
    assert trimmed() == 8
    run_until_quiet(embedder)
    snapshots.publish(LocalIndex(8), space="aaaa", item_offset=9, embeddings_offset=15)
    snapshots.publish(LocalIndex(8), space="aaaa", item_offset=9, embeddings_offset=16)
    assert trimmed() == 11, "the new space has no snapshot: all of its records"
