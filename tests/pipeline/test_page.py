"""Pages: nothing twice, and only cursors of our own."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.pipeline.page import MAX_SHOWN, first_page, page_of


@given(st.lists(st.text(min_size=1), min_size=1, max_size=50), st.integers(0, 2**64 - 1))
def test_what_was_shown_is_known_on_the_next_page(ids: list[str], seed: int) -> None:
    cursor = first_page("home", seed).next(ids)
    assert cursor is not None
    page = page_of(cursor, "home")
    assert (page.number, page.seed) == (1, seed)
    assert all(page.was_shown(item) for item in ids)


def test_what_was_not_shown_is_not_known() -> None:
    cursor = first_page("home", 1).next([f"i{n}" for n in range(500)])
    assert cursor is not None
    page = page_of(cursor, "home")
    assert not any(page.was_shown(f"i{n}") for n in range(500, 1500))


def test_pages_add_up_and_end() -> None:
    page = first_page("home", 1)
    for number in range(MAX_SHOWN // 100):
        cursor = page.next([f"{number}-{n}" for n in range(100)])
        assert cursor is not None
        assert len(cursor) < 6000  # fits into a URL
        page = page_of(cursor, "home")
        assert page.number == number + 1
    assert page.was_shown("0-0")
    assert page.next(["one more"]) is None
    assert first_page("home", 1).next([]) is None


def test_a_cursor_is_of_one_surface() -> None:
    cursor = first_page("home", 1).next(["a"])
    assert cursor is not None
    with pytest.raises(DataError, match="another surface"):
        page_of(cursor, "feed")


@given(st.binary(max_size=60))
def test_bytes_from_elsewhere_are_refused(raw: bytes) -> None:
    with pytest.raises(DataError):
        page_of(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), "home")


@pytest.mark.parametrize("cursor", ["", "A", "ü", "A A", "====", "%00", "A" * 100_000])
def test_texts_from_elsewhere_are_refused(cursor: str) -> None:
    with pytest.raises(DataError, match="cursor"):
        page_of(cursor, "home")


@given(st.data())
def test_an_altered_cursor_is_refused(data: st.DataObject) -> None:
    cursor = first_page("home", 7).next(["a", "b", "c"])
    assert cursor is not None
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DataError):
        page_of(base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode(), "home")
