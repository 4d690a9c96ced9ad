"""The refusal to listen beyond this machine without keys."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from palate.config import Settings
from palate.errors import ConfigError
from palate.serve.access import is_this_machine
from palate.store.database import REGISTRY, Database
from palate.store.keys import Keys

__all__ = ["check_exposure"]


def check_exposure(settings: Settings) -> None:
    """Refuse settings that would let anybody on the network in.

    Raises:
        ConfigError: The host is not this machine alone, and no key stands in the registry.
        StoreError: The registry is damaged, or cannot be opened.
    """
    host = settings.serve.host
    if is_this_machine(host):
        return
    with closing(Database(settings.home / REGISTRY)) as database:
        now = datetime.now(UTC)
        if any(key.stands(now) for key in Keys(database).all()):
            return
    raise ConfigError(
        f"[serve] host is {host!r}, which others can reach, and there are no keys",
        hint="palate keys create NAME --scope read, or listen on 127.0.0.1",
    )
