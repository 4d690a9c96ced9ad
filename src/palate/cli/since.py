"""`--since`: a moment, a time before the newest event, or where a release ended."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from palate.errors import ConfigError

__all__ = ["moment_of"]

LAST: Final = "last"
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(s|m|h|d|w)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str, *, last: datetime, newest: datetime | None) -> datetime:
    """The moment after which events are new.

    Args:
        text: `last`; a duration (`90m`, `2h`, `1d`) before `newest`; or a time in ISO 8601, UTC
            where it names no zone.
        last: Where the release ended.
        newest: The newest event; None where no event has a time.

    Raises:
        ConfigError: The text is none of these.
    """
    if text == LAST:
        return last
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        number, unit = duration.groups()
        try:
            return (last if newest is None else newest) - timedelta(**{_UNITS[unit]: float(number)})
        except OverflowError as error:
            raise ConfigError(f"--since {text} lies before all times") from error
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--since {text!r} is no time",
            hint="last, a duration such as 90m, 2h or 1d, or a time such as 2026-05-01T12:00",
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
