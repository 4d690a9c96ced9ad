"""The keys as one worker knows them: looked up at every request, renewed from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from palate.store.key import Key
from palate.store.keys import Keys, digest_of

__all__ = ["KeyRing"]


class KeyRing:
    """What opens the service now. `refresh` may run in another thread than `find`.

    Where the registry cannot be read the keys known before stay.

    Args:
        keys: The registry's.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_digest: Mapping[bytes, Key] = {}
        self._used: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Look at the registry.

        Raises:
            StoreError: It cannot be read.
        """
        self._by_digest = dict(self._keys.by_digest())

    @property
    def locked(self) -> bool:
        """Whether a key is needed: from the first key on, also when none of them stands."""
        return bool(self._by_digest)

    def find(self, secret: bytes) -> Key | None:
        """The key with this secret, if it stands.

        The look-up is by the secret's SHA-256. How long it takes may tell of the digest's first
        bytes, from which nobody can find a secret that has them.
        """
        key = self._by_digest.get(digest_of(secret))
        if key is None or not key.stands(datetime.now(UTC)):
            return None
        self._used.add(key.id)
        return key

    def admits_origin(self, origin: str) -> bool:
        """Whether pages of `origin` may use any key that stands."""
        now = datetime.now(UTC)
        return any(origin in k.limits.origins and k.stands(now) for k in self._by_digest.values())

    def note_use(self) -> None:
        """Write down which keys were used since the last call.

        Raises:
            StoreError: The registry refused; what was used is noted with the next call.
        """
        used = self._used.copy()
        if used:
            self._keys.used(used, datetime.now(UTC))
            self._used -= used
