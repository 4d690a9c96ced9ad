"""The moments that `--since` can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from palate.cli.since import moment_of
from palate.errors import ConfigError

LAST = datetime(2026, 5, 1, 12, tzinfo=UTC)
NEWEST = datetime(2026, 5, 3, 18, 30, tzinfo=UTC)


def test_last_is_where_the_release_ended() -> None:
    assert moment_of("last", last=LAST, newest=NEWEST) == LAST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", NEWEST - timedelta(seconds=30)),
        ("90m", NEWEST - timedelta(minutes=90)),
        ("2h", NEWEST - timedelta(hours=2)),
        ("1.5d", NEWEST - timedelta(hours=36)),
        ("1w", NEWEST - timedelta(days=7)),
        ("0h", NEWEST),
    ],
)
def test_a_duration_counts_back_from_the_newest_event(text: str, expected: datetime) -> None:
    assert moment_of(text, last=LAST, newest=NEWEST) == expected


def test_a_time_is_utc_unless_it_says_otherwise() -> None:
    for text in ("2026-05-02T10:00", "2026-05-02 10:00:00", "2026-05-02T12:00+02:00"):
        found = moment_of(text, last=LAST, newest=NEWEST)
        assert found == datetime(2026, 5, 2, 10, tzinfo=UTC)
    assert moment_of("2026-05-02", last=LAST, newest=None) == datetime(2026, 5, 2, tzinfo=UTC)
    east = datetime(2026, 5, 2, 10, tzinfo=timezone(timedelta(hours=2)))
    assert moment_of(east.isoformat(), last=LAST, newest=None) == east


@pytest.mark.parametrize("text", ["", "yesterday", "2x", "-2h", "h", "2 h", "2026-13-01"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time"):
        moment_of(text, last=LAST, newest=NEWEST)


def test_a_duration_longer_than_all_time_is_refused() -> None:
    with pytest.raises(ConfigError, match="before all times"):
        moment_of("999999999w", last=LAST, newest=NEWEST)
