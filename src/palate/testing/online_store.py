"""What every `OnlineStore` adapter passes: inherit, and say how to open one."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.base import OnlineStore
from palate.store.reflects import OutOfStepError
from palate.testing.process import OtherProcess

__all__ = ["OnlineStoreConformance", "SharedOnlineStoreConformance"]


class OnlineStoreConformance:
    """The law of `OnlineStore` within one process. A subclass writes `open`."""

    def open(self, place: Path, *, read_only: bool = False) -> OnlineStore:
        """Open the store at `place`, which is a folder of this test's own."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OnlineStore]:
        store = self.open(tmp_path)
        yield store
        store.close()

    def test_satisfies_the_port(self, store: OnlineStore) -> None:
        assert isinstance(store, OnlineStore)

    def test_an_empty_store(self, store: OnlineStore) -> None:
        assert store.get(b"a") is None
        assert store.get_many([b"a", b"b"]) == [None, None]
        assert store.get_many([]) == []
        assert list(store.scan(b"")) == []
        assert store.offset() == 0

    def test_reads_the_last_write(self, store: OnlineStore) -> None:
        store.write({b"a": b"1", b"b": b"2", b"empty": b""})
        store.write({b"a": b"3"})
        assert store.get(b"a") == b"3"
        assert store.get_many([b"b", b"none", b"a", b"b"]) == [b"2", None, b"3", b"2"]
        assert store.get(b"empty") == b""

    def test_none_deletes(self, store: OnlineStore) -> None:
        store.write({b"a": b"1", b"b": b"2"})
        store.write({b"a": None, b"never": None})
        assert store.get_many([b"a", b"b"]) == [None, b"2"]
        assert list(store.scan(b"")) == [(b"b", b"2")]

    def test_the_offset_is_written_with_the_keys(self, store: OnlineStore) -> None:
        store.write({b"a": b"1"}, offset=7)
        assert store.offset() == 7
        store.write({b"a": b"2"})
        assert store.offset() == 7
        store.write({}, offset=9)
        assert store.offset() == 9
        assert list(store.scan(b"")) == [(b"a", b"2")]  # the offset is no key of ours

    def test_a_write_that_follows_another_offset_is_refused_as_a_whole(
        self, store: OnlineStore
    ) -> None:
        store.write({b"a": b"1"}, offset=7, after=0)
        for after in (0, 6, 8):
            with pytest.raises(OutOfStepError, match="reflects offset 7"):
                store.write({b"a": b"2", b"b": b"2"}, offset=9, after=after)
        assert (store.get(b"a"), store.get(b"b"), store.offset()) == (b"1", None, 7)
        store.write({b"a": None}, offset=9, after=7)
        assert (store.get(b"a"), store.offset()) == (None, 9)

    def test_each_partition_goes_on_by_itself(self, store: OnlineStore) -> None:
        store.write({b"a": b"1"}, offset=7)
        store.write({b"b": b"1"}, offset=3, after=0, partition=2)
        store.write({b"b": b"2"}, offset=4, after=3, partition=2)
        store.write({b"c": b"1"}, offset=1, partition=11)
        assert [store.offset(partition) for partition in (0, 1, 2, 11)] == [7, 0, 4, 1]
        store.write({b"a": b"2"}, offset=8, after=7, partition=0)
        store.write({b"a": b"3"}, partition=2)  # no offset: none is noted
        assert [store.offset(partition) for partition in (0, 1, 2, 11)] == [8, 0, 4, 1]
        assert list(store.scan(b"")) == [(b"a", b"3"), (b"b", b"2"), (b"c", b"1")]

    def test_a_write_follows_the_offset_of_its_own_partition(self, store: OnlineStore) -> None:
        store.write({b"a": b"1"}, offset=7)
        store.write({}, offset=3, partition=1)
        for partition, after, found in ((0, 3, 7), (1, 7, 3), (2, 7, 0)):
            with pytest.raises(OutOfStepError, match=f"reflects offset {found}"):
                store.write({b"a": b"2", b"b": b"2"}, offset=9, after=after, partition=partition)
        assert store.get_many([b"a", b"b"]) == [b"1", None]
        assert [store.offset(partition) for partition in (0, 1, 2)] == [7, 3, 0]

    def test_scan_is_in_key_order_within_the_prefix(self, store: OnlineStore) -> None:
        keys = [b"a", b"b:", b"b:1", b"b:10", b"b:2", b"b:\xff", b"c"]
        store.write({key: key for key in reversed(keys)})
        assert [key for key, _ in store.scan(b"b:")] == keys[1:6]
        assert [key for key, _ in store.scan(b"")] == keys
        assert [key for key, _ in store.scan(b"d")] == []

    def test_scan_starts_strictly_after(self, store: OnlineStore) -> None:
        keys = [b"b:1", b"b:3", b"c"]
        store.write({key: key for key in keys})
        assert [key for key, _ in store.scan(b"b:", after=b"b:1")] == [b"b:3"]
        assert [key for key, _ in store.scan(b"b:", after=b"b:2")] == [b"b:3"]
        assert [key for key, _ in store.scan(b"b:", after=b"b:3")] == []
        assert [key for key, _ in store.scan(b"b:", after=b"a")] == [b"b:1", b"b:3"]
        assert [key for key, _ in store.scan(b"b:", after=b"z")] == []

    def test_scan_stops_at_its_limit(self, store: OnlineStore) -> None:
        keys = [b"%04d" % i for i in range(700)]  # more than a page of any adapter
        store.write(dict.fromkeys(keys, b"x"))
        assert [key for key, _ in store.scan(b"", limit=3)] == keys[:3]
        assert [key for key, _ in store.scan(b"", limit=600, after=keys[9])] == keys[10:610]
        assert [key for key, _ in store.scan(b"")] == keys
        assert list(store.scan(b"", limit=0)) == []

    def test_clear_forgets_everything(self, store: OnlineStore) -> None:
        store.write({b"a": b"1"}, offset=5)
        store.write({b"a": b"2"}, offset=6, partition=1)
        store.clear()
        assert (store.offset(), store.offset(1)) == (0, 0)
        assert store.get(b"a") is None
        store.write({b"b": b"2"}, offset=1)
        assert list(store.scan(b"")) == [(b"b", b"2")]

    def test_large_values_and_many_keys(self, store: OnlineStore) -> None:
        store.write({b"large": bytes(3 << 20)} | {b"%06d" % i: b"v" * 50 for i in range(2000)})
        large = store.get(b"large")
        assert large is not None
        assert len(large) == 3 << 20
        assert store.get(b"001999") == b"v" * 50


class SharedOnlineStoreConformance(OnlineStoreConformance):
    """And between processes, across a crash. A subclass writes `open_source` too."""

    def open_source(self, place: Path, *, read_only: bool = False) -> str:
        """Python code that binds `store` to the store at `place`, in a process of its own."""
        raise NotImplementedError

    def test_it_is_all_there_after_reopening(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write({b"a": b"1"}, offset=3)
        store.write({b"b": b"1"}, offset=5, partition=1)
        store.close()
        store = self.open(tmp_path)
        assert (store.get(b"a"), store.offset(), store.offset(1)) == (b"1", 3, 5)
        store.close()

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.close()
        store.close()
        with pytest.raises(StoreError):
            store.get(b"a")

    def test_a_reader_cannot_write(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write({b"a": b"1"}, offset=1)
        reader = self.open(tmp_path, read_only=True)
        with pytest.raises(StoreError):
            reader.write({b"a": b"2"})
        with pytest.raises(StoreError):
            reader.clear()
        assert reader.get(b"a") == b"1"
        reader.close()
        assert store.get(b"a") == b"1"
        store.close()

    def test_what_was_acknowledged_survives_a_kill(self, tmp_path: Path) -> None:
        source = f"""
{self.open_source(tmp_path)}
number = 0
while True:
    number += 1
    store.write({{b"x": b"%d" % number, b"y": b"%d" % number}}, offset=number)
    store.write({{b"z": b"%d" % number}}, offset=number, partition=1)
    print(number, flush=True)
"""
        with OtherProcess(source) as writer:
            acknowledged = max(int(writer.line()) for _ in range(3))
        store = self.open(tmp_path)
        x, y, z = store.get_many([b"x", b"y", b"z"])
        assert x is not None
        assert z is not None
        assert x == y
        assert int(x) == store.offset() >= acknowledged
        assert int(z) == store.offset(1) >= acknowledged
        store.close()

    def test_other_processes_see_a_write_when_it_returns(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        source = f"""
{self.open_source(tmp_path, read_only=True)}
print('ready', flush=True)
while True:
    key = input().encode()
    print((store.get(key) or b"-").decode(), store.offset(), flush=True)
"""
        with OtherProcess(source) as one, OtherProcess(source) as two:
            assert one.line() == two.line() == "ready"
            for number in range(20):
                store.write({b"k": b"%d" % number}, offset=number)
                for reader in (one, two):
                    reader.say("k")
                    assert reader.line() == f"{number} {number}"
        store.close()

    def test_readers_follow_when_the_store_outgrows_its_first_size(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        source = f"""
{self.open_source(tmp_path, read_only=True)}
print('ready', flush=True)
input()
print(len(store.get(b"40")), store.offset(), flush=True)
"""
        with OtherProcess(source) as reader:
            assert reader.line() == "ready"
            for number in range(41):  # 82 MB
                store.write({b"%d" % number: bytes(2 << 20)}, offset=number)
            reader.say("now")
            assert reader.line() == f"{2 << 20} 40"
        store.close()

    def test_a_killed_reader_holds_nothing_back(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write({b"a": b"1"}, offset=1)
        source = f"""
{self.open_source(tmp_path, read_only=True)}
pairs = store.scan(b"")
print(next(pairs)[1].decode(), flush=True)
input()
"""
        for _ in range(3):
            with OtherProcess(source) as reader:
                assert reader.line() == "1"
        store.write({b"a": b"2"}, offset=2)
        store.close()
        store = self.open(tmp_path)
        assert (store.get(b"a"), store.offset()) == (b"2", 2)
        store.close()
