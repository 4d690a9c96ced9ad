"""Who asks, and whether they may: keys and their scopes, origins, rates; nobody else's pages."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.types import Scope as Asgi

from palate.serve.keyring import KeyRing
from palate.serve.problem import ProblemError
from palate.serve.rates import Rates
from palate.store.key import Key, Scope

__all__ = ["THIS_MACHINE", "Access", "Caller", "is_this_machine", "require"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        who: For the audit: `key 4f2a...`.
        scopes: What they may do.
        key: What they sent; None where no key is needed.
    """

    who: str
    scopes: frozenset[Scope]
    key: Key | None = None


THIS_MACHINE: Final = Caller("this machine", frozenset(Scope))
"""Everyone, while there are no keys: the service then answers this machine alone."""


class Access:
    """Admits requests.

    Args:
        ring: The keys.
        rates: Their buckets.
    """

    def __init__(self, ring: KeyRing, rates: Rates) -> None:
        self.ring = ring
        self._rates = rates

    def admit(self, asgi: Asgi) -> Caller:
        """The caller of a request to a route that is not for everyone.

        Raises:
            ProblemError: 401 without a key that stands; 403 for a page of another origin; 429
                beyond the key's rate; 421 where no key is needed and the request was meant
                for another host.
        """
        if not self.ring.locked:
            _check_host(_header(asgi, b"host"))
            return THIS_MACHINE
        key = self.ring.find(_secret(asgi))
        if key is None:
            raise ProblemError(
                401,
                "no-key",
                "send a key that stands: Authorization: Bearer KEY",
                headers={"www-authenticate": "Bearer"},
            )
        _check_origin(key, _header(asgi, b"origin"))
        wait_s = self._rates.wait_s(key)
        if wait_s > 0.0:
            raise ProblemError(
                429,
                "too-many-requests",
                f"the key {key.id} may send {key.limits.rate_per_s:g} requests a second",
                headers={"retry-after": str(math.ceil(wait_s))},
            )
        return Caller(f"key {key.id}", key.scopes, key)

    def preflight(self, asgi: Asgi) -> str | None:
        """The origin whose pages may send what they ask leave for; None for no such question.

        A browser asks before it sends a key (Fetch, section 4.8), so that any key that stands
        decides here, and the key that is sent then decides again.
        """
        if asgi["method"] != "OPTIONS" or not _header(asgi, b"access-control-request-method"):
            return None
        origin = _header(asgi, b"origin").decode("latin-1")
        return origin if self.ring.admits_origin(origin) else None


def require(caller: Caller, scopes: Iterable[Scope]) -> None:
    """Refuse a caller who has none of `scopes`.

    Raises:
        ProblemError: 403.
    """
    if caller.scopes.isdisjoint(scopes):
        wanted = " or ".join(sorted(scopes))
        raise ProblemError(403, "scope-missing", f"this needs a key with the scope {wanted}")


@lru_cache(maxsize=256)  # the same few names, with every request
def is_this_machine(host: str) -> bool:
    """Whether a name or address without its port is this machine's own loopback."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _header(asgi: Asgi, name: bytes) -> bytes:
    """The one header of this name; empty for none, and where several contradict each other."""
    found = [value for given, value in asgi["headers"] if given == name]
    return bytes(found[0]) if len(found) == 1 else b""


def _secret(asgi: Asgi) -> bytes:
    scheme, _, secret = _header(asgi, b"authorization").partition(b" ")
    return secret.strip() if scheme.lower() == b"bearer" else b""


def _check_origin(key: Key, origin: bytes) -> None:
    """A key that was given to pages works on those pages alone; servers send no origin."""
    if key.limits.origins and origin and origin.decode("latin-1") not in key.limits.origins:
        raise ProblemError(403, "wrong-origin", f"the key {key.id} is not for pages of this origin")


def _check_host(host: bytes) -> None:
    """Refuse pages that had their own name point to this machine (DNS rebinding)."""
    name = host.decode("latin-1")
    if not name.endswith("]"):  # an IPv6 address without a port ends so
        name = name.rpartition(":")[0] or name
    if not is_this_machine(name):
        raise ProblemError(
            421,
            "not-this-machine",
            "without keys the service answers 127.0.0.1 and localhost alone: palate keys create",
        )
