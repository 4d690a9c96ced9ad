"""A key of the service without its secret: who holds it, what it may do, how often, until when."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from palate.errors import ConfigError

__all__ = ["Key", "KeyLimits", "Scope", "check_key"]

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,100}").fullmatch


class Scope(StrEnum):
    """What a key may do. None includes another: a key has all that it needs.

    Attributes:
        INGEST: Post what people did. A browser may hold such a key: it can read nothing.
        READ: Ask for recommendations, items, users, releases and figures.
        WRITE: Change items and users; post reserved events.
        ADMIN: Export and erase people.
    """

    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What bounds a key beside its scopes.

    Attributes:
        rate_per_s: Requests a second in the long run; None for no limit.
        burst: Requests at once; None for one second's worth, at least 1.
        origins: Web origins whose pages may use it, `https://shop.example`; none for servers.
        expires_at: From then on it opens nothing; None for never.
    """

    rate_per_s: float | None = None
    burst: int | None = None
    origins: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret.

    Attributes:
        number: Grows with every key.
        id: How people, logs and the audit call it; it is part of the secret and opens nothing.
        name: Who holds it.
        scopes: What it may do.
        limits: Rate, origins, expiry.
        created_at: UTC.
        revoked_at: From then on it opens nothing; None while it stands.
        last_used_at: To the minute or so; None where it never was.
    """

    number: int
    id: str
    name: str
    scopes: frozenset[Scope]
    limits: KeyLimits
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        expires = self.limits.expires_at
        return self.revoked_at is None and (expires is None or now < expires)


def check_key(name: str, scopes: Collection[Scope], limits: KeyLimits) -> None:
    """Refuse a key that could not be.

    Raises:
        ConfigError: The name is empty, there is no scope, or a limit is impossible.
    """
    if not _NAME(name) or not name.strip():
        raise ConfigError("a key's name has 1 to 100 printable characters", hint="say who holds it")
    if not scopes:
        known = ", ".join(Scope)
        raise ConfigError("a key needs a scope", hint=f"--scope is one of {known}")
    if limits.rate_per_s is not None and not 0 < limits.rate_per_s < 1e9:
        raise ConfigError(f"a rate of {limits.rate_per_s} requests a second is impossible")
    if limits.burst is not None and (limits.rate_per_s is None or limits.burst < 1):
        raise ConfigError("a burst is at least 1 request, and belongs to a rate")
    if limits.expires_at is not None and limits.expires_at <= datetime.now(UTC):
        raise ConfigError("a key that has expired already opens nothing")
    _check_origins(limits.origins)


def _check_origins(origins: Sequence[str]) -> None:
    for origin in origins:
        parts = urlsplit(origin)
        whole = f"{parts.scheme}://{parts.netloc}"
        plain = origin.isascii() and origin.isprintable() and not set(" *@") & set(origin)
        if (
            parts.scheme not in ("http", "https")
            or not parts.netloc
            or whole != origin
            or not plain
        ):
            raise ConfigError(
                f"{origin!r} is no web origin", hint="write https://shop.example, without a path"
            )
