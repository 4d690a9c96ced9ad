"""What every `Pointer` adapter passes: inherit, and say how to open one."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.base import Pointed, Pointer
from palate.testing.process import OtherProcess

__all__ = ["PointerConformance"]


class PointerConformance:
    """The law of `Pointer`. A subclass writes `open` and `open_source`."""

    def open(self, place: Path) -> Pointer:
        """Open the pointers at `place`, which is a folder of this test's own."""
        raise NotImplementedError

    def open_source(self, place: Path) -> str:
        """Python code that binds `pointer` to those at `place`, in a process of its own."""
        raise NotImplementedError

    @pytest.fixture
    def pointer(self, tmp_path: Path) -> Iterator[Pointer]:
        pointer = self.open(tmp_path)
        yield pointer
        pointer.close()

    def test_satisfies_the_port(self, pointer: Pointer) -> None:
        assert isinstance(pointer, Pointer)

    def test_a_name_holds_nothing_before_it_is_set(self, pointer: Pointer) -> None:
        assert pointer.get("index") is None
        assert pointer.watch("index", after=0, timeout_s=0) is None

    def test_it_holds_what_was_set_last(self, pointer: Pointer) -> None:
        assert pointer.set("index", b"one", expected=0) == 1
        assert pointer.get("index") == Pointed(b"one", 1)
        assert pointer.set("index", b"\x00\xff", expected=1) == 2
        assert pointer.get("index") == Pointed(b"\x00\xff", 2)
        assert pointer.set("index", b"", expected=2) == 3
        assert pointer.get("index") == Pointed(b"", 3)

    def test_names_are_apart(self, pointer: Pointer) -> None:
        pointer.set("a", b"1", expected=0)
        pointer.set("b", b"2", expected=0)
        assert (pointer.get("a"), pointer.get("b")) == (Pointed(b"1", 1), Pointed(b"2", 1))

    @pytest.mark.parametrize("expected", [0, 1, 3, 7])
    def test_who_expects_another_version_changes_nothing(
        self, pointer: Pointer, expected: int
    ) -> None:
        pointer.set("index", b"one", expected=0)
        pointer.set("index", b"two", expected=1)
        assert pointer.set("index", b"three", expected=expected) is None
        assert pointer.get("index") == Pointed(b"two", 2)

    def test_what_never_was_cannot_be_expected(self, pointer: Pointer) -> None:
        assert pointer.set("index", b"one", expected=1) is None
        assert pointer.get("index") is None

    def test_of_many_at_once_one_wins(self, pointer: Pointer) -> None:
        def attempt(number: int) -> int | None:
            barrier.wait()
            return pointer.set("index", b"%d" % number, expected=0)

        barrier = threading.Barrier(8)
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(attempt, range(8)))
        assert sorted(results, key=str) == [1, *[None] * 7]
        assert pointer.get("index") == Pointed(b"%d" % results.index(1), 1)

    def test_a_watcher_gets_what_is_newer(self, pointer: Pointer) -> None:
        pointer.set("index", b"one", expected=0)
        pointer.set("index", b"two", expected=1)
        assert pointer.watch("index", after=0, timeout_s=0) == Pointed(b"two", 2)
        assert pointer.watch("index", after=2, timeout_s=0) is None
        assert pointer.watch("index", after=5, timeout_s=0) is None, "it never goes back"

    def test_watchers_elsewhere_reach_the_newest(self, pointer: Pointer, tmp_path: Path) -> None:
        source = f"""
{self.open_source(tmp_path)}
print("ready", flush=True)
version = 0
while True:
    found = pointer.watch("index", after=version, timeout_s=60)
    assert found.version > version
    version = found.version
    print(found.value.decode(), version, flush=True)
"""
        with OtherProcess(source) as one, OtherProcess(source) as two:
            assert one.line() == two.line() == "ready"
            for number in range(1, 4):
                pointer.set("index", b"v%d" % number, expected=number - 1)
                assert one.line() == two.line() == f"v{number} {number}"

    def test_it_survives_a_kill(self, tmp_path: Path) -> None:
        source = f"""
{self.open_source(tmp_path)}
print(pointer.set("index", b"one", expected=0), flush=True)
input()
"""
        with OtherProcess(source) as setter:
            assert setter.line() == "1"
        pointer = self.open(tmp_path)
        assert pointer.get("index") == Pointed(b"one", 1)
        pointer.close()

    def test_a_fault_of_the_store_is_an_error(self, tmp_path: Path) -> None:
        pointer = self.open(tmp_path)
        self.break_it(pointer)
        with pytest.raises(StoreError):
            pointer.get("index")

    def break_it(self, pointer: Pointer) -> None:
        """Make the store of `pointer` unusable; closing it does for most."""
        pointer.close()
