"""Who may ask: API keys, and the refusal to listen beyond this machine without them."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from palate.config import ServeSettings
from palate.errors import ConfigError

__all__ = ["Keys", "check_exposure"]


class Keys:
    """The keys that open the service; none at all means that everyone on this machine may.

    Args:
        keys: As in `[serve] keys`.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._digests = tuple(_digest(key.encode()) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admit(self, authorization: bytes) -> bool:
        """Whether this `Authorization` header opens the service.

        Takes the same time for every key of one length: digests are compared, and all of them.
        """
        if not self._digests:
            return True
        scheme, _, key = authorization.partition(b" ")
        given = _digest(key.strip())
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        return scheme.lower() == b"bearer" and any(matches)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def check_exposure(settings: ServeSettings) -> None:
    """Refuse settings that would let anybody on the network in.

    Raises:
        ConfigError: The host is not this machine alone and there are no keys, or a key is
            empty or could not be sent in a header.
    """
    for key in settings.keys:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                "[serve] keys: a key is empty or has characters that a header cannot carry",
                hint='python -c "import secrets; print(secrets.token_urlsafe(32))" makes one',
            )
    if not settings.keys and not _is_loopback(settings.host):
        raise ConfigError(
            f"[serve] host is {settings.host!r}, which others can reach, and there are no keys",
            hint="set PALATE_SERVE__KEYS='[\"...\"]' or [serve] keys, or listen on 127.0.0.1",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
