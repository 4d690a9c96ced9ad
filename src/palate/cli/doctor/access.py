"""Checks of who may ask the service: keys that open nothing, or that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok, warn
from palate.errors import PalateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from palate.store.key import Key

__all__ = ["check_keys"]

SOON = timedelta(days=14)
UNUSED = timedelta(days=90)
IN_USE = timedelta(hours=1)


def check_keys(home: Path) -> Iterator[Finding]:
    """Whether a key has expired or will soon, whether one lies about, and whether any stands."""
    from palate.store.database import REGISTRY, Database
    from palate.store.keys import Keys

    if not (home / REGISTRY).is_file():
        return
    try:
        with closing(Database(home / REGISTRY)) as database:
            if not database.query("SELECT 1 FROM sqlite_schema WHERE name = 'keys'"):
                return
            keys = Keys(database).all()
    except PalateError as error:
        yield fail("keys", error.message, hint=error.hint or "palate restore BACKUP --force")
        return
    yield from _judge_keys(keys, datetime.now(UTC))


def _judge_keys(keys: Sequence[Key], now: datetime) -> Iterator[Finding]:
    standing = [key for key in keys if key.stands(now)]
    if keys and not standing:
        yield warn(
            "keys",
            "every key was revoked or has expired: the service answers nobody but probes",
            hint='palate keys create "NAME" --scope read',
        )
    for key in keys:
        expires = key.limits.expires_at
        if key.revoked_at is None and expires is not None:
            yield from _judge_expiry(key, expires, now)
    for key in standing:
        if now - (key.last_used_at or key.created_at) > UNUSED:
            since = "ever" if key.last_used_at is None else f"since {key.last_used_at:%Y-%m-%d}"
            yield warn(
                "keys",
                f"{key.id} ({key.name}) was not used {since}",
                hint=f"palate keys revoke {key.id}",
            )
    if standing:
        expired = sum(1 for key in keys if key.revoked_at is None) - len(standing)
        yield ok("keys", f"{len(standing)} stand, {expired} have expired")


def _judge_expiry(key: Key, expires: datetime, now: datetime) -> Iterator[Finding]:
    if expires <= now:
        # One that was rotated expires as well: its holder had stopped using it by then.
        if key.last_used_at is not None and expires - key.last_used_at < IN_USE:
            yield warn(
                "keys",
                f"{key.id} ({key.name}) was in use until it expired on {expires:%Y-%m-%d %H:%M}",
                hint=f'palate keys create "{key.name}" ... for its holder, who gets 401',
            )
    elif expires - now < SOON:
        yield warn(
            "keys",
            f"{key.id} ({key.name}) expires on {expires:%Y-%m-%d}",
            hint=f'palate keys create "{key.name}" --days ...',
        )
