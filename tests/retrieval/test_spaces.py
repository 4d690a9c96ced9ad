"""The book of spaces, over a pointer whose server ends before it answers, or comes back empty."""

from __future__ import annotations

import pytest

from palate.errors import StoreError
from palate.retrieval.spaces import EMBEDDER, Space, Spaces
from palate.store.base import Pointed


class FlakyPointer:
    """A pointer whose next `set` may take effect, or not, and then raise."""

    def __init__(self) -> None:
        self.held: dict[str, Pointed] = {}
        self.arrives: bool | None = None  # of the next set, which raises; None: it does not

    def get(self, name: str) -> Pointed | None:
        return self.held.get(name)

    def set(self, name: str, value: bytes, *, expected: int) -> int | None:
        arrives, self.arrives = self.arrives, None
        before = self.held.get(name)
        done = None
        if arrives is not False and expected == (0 if before is None else before.version):
            self.held[name] = Pointed(value, expected + 1)
            done = expected + 1
        if arrives is not None:
            raise StoreError("no answer")
        return done

    def watch(self, name: str, *, after: int, timeout_s: float) -> Pointed | None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def spaces(generation: int) -> dict[str, Space]:
    return {"aaaa": Space(dimension=2, generation=generation, since=0)}


@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_nobody_answered_is_no_other_embedders(arrives: bool) -> None:
    pointer = FlakyPointer()
    book = Spaces(pointer)
    version = book.write(spaces(1), 0)
    for generation in (2, 3):  # the second is tried while nothing is known of the first
        pointer.arrives = arrives
        with pytest.raises(StoreError, match="no answer"):
            book.write(spaces(generation), version)
    version = book.write(spaces(4), version)
    assert book.read() == (spaces(4), version)


def test_the_same_write_again_is_done() -> None:
    pointer = FlakyPointer()
    book = Spaces(pointer)
    pointer.arrives = True
    with pytest.raises(StoreError, match="no answer"):
        book.write(spaces(1), 0)
    assert book.write(spaces(1), 0) == 1
    assert book.read() == (spaces(1), 1)


def test_a_lost_pointer_is_written_again() -> None:
    pointer = FlakyPointer()
    book = Spaces(pointer)
    version = book.write(spaces(2), book.write(spaces(1), 0))
    pointer.held.clear()
    assert book.write(spaces(3), version) == 1
    assert book.read() == (spaces(3), 1)


def test_another_embedder_is_noticed() -> None:
    pointer = FlakyPointer()
    book, other = Spaces(pointer), Spaces(pointer)
    version = book.write(spaces(1), 0)
    other.write(spaces(2), version)
    with pytest.raises(StoreError, match="another embedder"):
        book.write(spaces(3), version)
    assert pointer.held[EMBEDDER].version == 2
