"""The embedder: every change in the topic once, in order, whatever happens in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.errors import LogError, StoreError
from palate.events.schema import Event
from palate.retrieval.embedder import Embedder
from palate.retrieval.encoder import BrokenEncoderError
from palate.retrieval.spaces import EMBEDDER
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, offsets_fall, run_until_quiet, same

A, B = FakeEncoder("aaaa"), FakeEncoder("bbbb", dimension=5)


def test_changes_become_vectors_in_order(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    catalogue.put("car1", {"make": "Audi", "price": 9000})
    catalogue.post(Event(event="view", user_id="ann", item_id="car1"))
    catalogue.put("car2", {"make": "BMW"})
    catalogue.put("car1", {"make": "Audi", "price": 8000})
    catalogue.sell("car2")
    run_until_quiet(embedder)
    published = catalogue.published()
    assert [(e.item_id, e.item_offset, e.deleted) for e in published] == [
        ("car1", 1, False), ("car2", 3, False), ("car1", 4, False), ("car2", 5, True),
    ]  # fmt: skip
    assert all(e.changed_at > 0 for e in published)
    assert same(catalogue.reflected("aaaa"), catalogue.truth(A))
    assert catalogue.ingest.log.committed(EMBEDDER) == embedder.position == 5
    assert embedder.lag() == 0


def test_what_was_there_before_it_is_embedded_from_the_state(catalogue: LiveCatalogue) -> None:
    for n in range(10):
        catalogue.put(f"car{n}", {"price": n})
    catalogue.sell("car3")
    embedder = catalogue.embedder(A, batch=4)
    run_until_quiet(embedder)
    published = catalogue.published()
    assert len(published) == 9, "each once, and nothing of what was sold"
    assert same(catalogue.reflected("aaaa"), catalogue.truth(A))
    assert embedder.spaces["aaaa"].complete_at == 9


def test_an_empty_catalogue_is_complete_at_once(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    assert embedder.step() == 0
    assert embedder.spaces["aaaa"].complete_at == 0


def test_a_space_beside_one_that_has_followed_nothing_yet(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    embedder.step()
    catalogue.put("car1", {"price": 1})
    embedder.use([A, B])
    run_until_quiet(embedder)
    for encoder in (A, B):
        assert same(catalogue.reflected(encoder.space), catalogue.truth(encoder))


def test_a_hidden_item_goes_away_and_comes_back(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    catalogue.put("car1", {"price": 1})
    catalogue.put("car1", {"price": 1, "hidden": True})
    run_until_quiet(embedder)
    assert catalogue.reflected("aaaa") == {}
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    assert list(catalogue.reflected("aaaa")) == ["car1"]


def test_a_new_space_is_embedded_beside_the_old(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A, batch=3)
    for n in range(10):
        catalogue.put(f"car{n}", {"price": n})
    run_until_quiet(embedder)
    embedder.use([A, B])
    embedder.step()  # one page of the new space
    assert not _complete(embedder)
    catalogue.sell("car0")  # in a page that was done
    catalogue.sell("car9")  # in one that is to come
    catalogue.put("car1", {"price": 77})
    catalogue.put("car8", {"price": 88})
    run_until_quiet(embedder)
    assert _complete(embedder)
    assert same(catalogue.reflected("aaaa"), catalogue.truth(A))
    assert same(catalogue.reflected("bbbb"), catalogue.truth(B))
    assert offsets_fall(catalogue.published()) == []


def test_a_space_left_and_taken_up_again_is_embedded_anew(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A, B)
    catalogue.put("car1", {"price": 1})
    catalogue.put("car2", {"price": 2})
    run_until_quiet(embedder)
    embedder.use([A])
    catalogue.put("car1", {"price": 10})
    run_until_quiet(embedder)
    generation = embedder.spaces["aaaa"].generation
    embedder.use([A, B])
    assert embedder.spaces["bbbb"].generation > generation
    run_until_quiet(embedder)
    assert same(catalogue.reflected("bbbb"), catalogue.truth(B))
    again = [e.item_id for e in catalogue.published()[-2:]]
    assert again == ["car1", "car2"], "also the one that did not change"


def test_deletions_hold_in_every_space(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A, B)
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    embedder.use([A])  # somebody may still answer from the other
    catalogue.sell("car1")
    run_until_quiet(embedder)
    assert catalogue.reflected("bbbb") == {}


def test_items_that_cannot_be_embedded_stop_nothing(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    before = catalogue.reflected("aaaa")["car1"]
    catalogue.put("car1", {"price": "on request"})  # keeps the vector that it had
    catalogue.put("car2", {"price": ["wrong"]})
    catalogue.put("car3", {"colour": {"unknown": True}, "text": "x" * 1_000_000})
    catalogue.put("car4")
    run_until_quiet(embedder)
    held = catalogue.reflected("aaaa")
    assert sorted(held) == ["car1", "car3", "car4"]
    assert np.array_equal(held["car1"], before)
    assert embedder.failed == 2


def test_never_more_than_a_batch_is_unwritten(catalogue: LiveCatalogue) -> None:
    for n in range(40):
        catalogue.put(f"car{n}", {"price": n})
    embedder = catalogue.embedder(A)
    run_until_quiet(embedder)
    seen: list[int] = []

    class Counting(FakeEncoder):
        def embed_items(self, ids: Sequence[str], attributes: Any) -> Any:
            seen.append(len(ids))
            unwritten = catalogue.ingest.log.head() - embedder.position
            assert len(ids) <= min(7, unwritten)
            return super().embed_items(ids, attributes)

    embedder = catalogue.embedder(Counting("aaaa"), batch=7)
    for n in range(40):
        catalogue.put(f"car{n}", {"price": n + 1})
    run_until_quiet(embedder)
    assert seen == [7, 7, 7, 7, 7, 5]


def test_a_broken_net_loses_nothing(catalogue: LiveCatalogue) -> None:
    encoder = FakeEncoder("aaaa")
    embedder = catalogue.embedder(encoder)
    catalogue.put("car1", {"price": 1})
    encoder.broken = True
    with pytest.raises(BrokenEncoderError):
        embedder.step()
    assert (embedder.position, catalogue.topic.head()) == (0, 0)
    encoder.broken = False
    run_until_quiet(embedder)
    assert list(catalogue.reflected("aaaa")) == ["car1"]


def test_two_embedders_are_noticed(catalogue: LiveCatalogue) -> None:
    one, two = catalogue.embedder(A), catalogue.embedder(A)
    one.use([A, B])
    with pytest.raises(StoreError, match="another embedder"):
        two.use([B])


def test_a_topic_of_another_log_is_refused(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)

    class Shorter:
        def head(self) -> int:
            return 0

        def committed(self, group: str) -> int:
            return 0

    with pytest.raises(LogError, match="replaced"):
        Embedder(Shorter(), catalogue.ingest.state, catalogue.topic, catalogue.pointer)  # type: ignore[arg-type]


def test_a_topic_that_was_thrown_away_is_filled_anew(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    catalogue.hand_over()
    for path in (catalogue.home / "embeddings").iterdir():
        path.unlink()
    run_until_quiet(catalogue.embedder(A))
    assert same(catalogue.reflected("aaaa"), catalogue.truth(A))


class CrashError(Exception):
    """The process ends here."""


class Crashing:
    """A log or pointer that ends the process at the n-th write, before or after it is done."""

    def __init__(self, real: Any, writes: Sequence[str], fuse: list[int], *, after: bool) -> None:
        self._real, self._writes, self._fuse, self._after = real, writes, fuse, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in self._writes:
            return real

        def write(*args: Any, **kwargs: Any) -> Any:
            self._fuse[0] -= 1
            if self._fuse[0] == 0 and not self._after:
                raise CrashError
            done: Any = real(*args, **kwargs)
            if self._fuse[0] == 0:
                raise CrashError
            return done

        return write


@pytest.mark.parametrize("used", [[A], [B], [A, B]])
def test_what_was_sold_before_it_died_is_in_no_space_that_begins_after(
    catalogue: LiveCatalogue, used: list[FakeEncoder]
) -> None:
    """It died with a car and its sale in the topic and neither committed; a release came then."""
    first = catalogue.embedder(A)
    run_until_quiet(first)
    catalogue.put("car1", {"price": 1})
    catalogue.sell("car1")
    catalogue.put("car2", {"price": 2})
    fuse = [1]
    items = Crashing(catalogue.ingest.log, ["commit"], fuse, after=False)
    dying = Embedder(items, catalogue.ingest.state, catalogue.topic, catalogue.pointer)
    dying.use([A])
    with pytest.raises(CrashError):
        dying.step()
    catalogue.embedder(*([A] if used == [B] else [B]))  # A goes and comes back, where it is used
    run_until_quiet(catalogue.embedder(*used))
    for encoder in used:
        assert same(catalogue.reflected(encoder.space), catalogue.truth(encoder))
    assert offsets_fall(catalogue.published()) == []


CHANGES = st.lists(
    st.tuples(st.sampled_from(["put", "put", "sell", "step", "use"]), st.integers(0, 5)),
    max_size=30,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, fuses=st.lists(st.integers(1, 8), max_size=6), after=st.booleans())
def test_whatever_order_and_wherever_it_dies(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, int]],
    fuses: list[int],
    after: bool,
) -> None:
    """Changes, spaces that come and go, and deaths at any write: each space ends as the truth."""
    with LiveCatalogue(tmp_path_factory.mktemp("home")) as catalogue:
        waiting = list(fuses)
        encoders = [A]

        def begun() -> Embedder:
            fuse = [waiting.pop(0) if waiting else 0]
            items = Crashing(catalogue.ingest.log, ["commit"], fuse, after=after)
            topic = Crashing(catalogue.topic, ["append"], fuse, after=after)
            pointer = Crashing(catalogue.pointer, ["set"], fuse, after=after)
            return Embedder(items, catalogue.ingest.state, topic, pointer, batch=2)

        def alive(embedder: Embedder | None) -> Embedder | None:
            """Step; after a death there is none."""
            try:
                embedder = begun() if embedder is None else embedder
                embedder.use(encoders)
                embedder.step()
            except CrashError:
                return None
            return embedder

        embedder: Embedder | None = None
        for what, number in changes:
            if what == "put":
                catalogue.put(f"car{number}", {"price": len(changes) + number})
            elif what == "sell":
                catalogue.sell(f"car{number}")
            elif what == "use":
                encoders = [[A], [A, B], [B]][number % 3]
            else:
                embedder = alive(embedder)
        embedder = alive(None)
        while embedder is None or embedder.lag() or not _complete(embedder):
            embedder = alive(embedder)
        for encoder in encoders:
            assert same(catalogue.reflected(encoder.space), catalogue.truth(encoder))
        assert offsets_fall(catalogue.published()) == []


def _complete(embedder: Embedder) -> bool:
    return all(space.complete_at is not None for space in embedder.spaces.values())
