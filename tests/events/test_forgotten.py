"""Who was forgotten: refused, hastened, finished; and what an unreadable event may name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from palate.config import PrivacySettings
from palate.errors import StoreError
from palate.events.forgotten import Forgotten, named_in, open_forgotten
from palate.events.pseudonyms import KEY_FILE
from palate.events.schema import USER_FORGOTTEN, Event

DAY_US = 86_400_000_000
GONE = [Event(event=USER_FORGOTTEN, user_id="ann"), Event(event=USER_FORGOTTEN, anonymous_id="v")]


def opened(home: Path, days: float = 30.0) -> Forgotten:
    return open_forgotten(home, PrivacySettings(erase_within_days=days))


def test_only_they_are_refused(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as forgotten:
        click = Event(event="click", user_id="ann", item_id="i")
        assert not forgotten.refuses(click)
        forgotten.take_in([*GONE, Event(event="click", user_id="bob")], 1)
        assert forgotten.refuses(click)
        assert forgotten.refuses(Event(event="click", user_id="bob", anonymous_id="v"))
        for other in (
            Event(event="click", user_id="v", item_id="ann"),
            Event(event="click", anonymous_id="ann"),
            Event(event="click", user_id="bob"),
            Event(event="click"),
            *GONE,
        ):
            assert not forgotten.refuses(other)


def test_no_id_is_in_the_registry(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as forgotten:
        forgotten.take_in([Event(event=USER_FORGOTTEN, user_id="somebody-special")], 1)
    for path in tmp_path.iterdir():
        assert b"somebody-special" not in path.read_bytes()


def test_an_erasure_from_beginning_to_end(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as forgotten, closing(opened(tmp_path)) as other:
        forgotten.take_in(GONE, 10)
        digests = forgotten.digests_of(GONE)
        forgotten.found(GONE, [7, 8])
        first, second = sorted(other.unfinished(), key=lambda erasure: erasure.offset or 0)
        assert (first.digest, first.offset, first.requested_us) == (digests[0], 7, 10)
        assert (first.due_us, first.erased_us, first.cleaned_us) == (10 + DAY_US, None, None)
        other.hasten([second.digest], 11)
        assert forgotten.unfinished()[0].digest == second.digest
        forgotten.erased(digests, 20)
        assert other.of(digests[0]) is not None
        assert {e.offset for e in other.unfinished()} == {None}
        forgotten.cleaned(digests[:1], 30)
        assert [e.digest for e in other.unfinished()] == digests[1:]
        forgotten.take_in(GONE[:1], 40)
        again = other.of(digests[0])
        assert again is not None
        assert (again.requested_us, again.erased_us, again.cleaned_us) == (40, None, None)
        assert other.of(b"nobody") is None


def test_without_its_key_nobody_knows_who_was_forgotten(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as forgotten:
        forgotten.take_in(GONE, 1)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(StoreError, match="is gone"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b'{"user_id": "ann", "item_id": "i", "event": "e", "event_id": "x"}', ["ann"]),
        (b'{"userid": "ann", "context": {"friends": ["bob", 7]}}', ["ann", "bob", "7"]),
        (b'[{"user_id": 42}, null, true, 1.5]', ["42", "True", "1.5"]),
        (b'"ann"', ["ann"]),
        (b"", None),
        (b'{"user_id": "ann"', None),
        (b'{"user_id": "\xff"}', None),
        (b"[" * 100_000, None),
    ],
)
def test_what_a_refused_event_may_name(raw: bytes, named: list[str] | None) -> None:
    found = named_in(raw)
    assert (None if found is None else sorted(found)) == (None if named is None else sorted(named))
