"""A process of the service waits for the state's server, rather than end and be started again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from palate.config import Settings
from palate.store.chosen import open_server
from palate.store.redis_server import StoreAwayError

__all__ = ["until_store_answers"]

_AGAIN_S: Final = 0.1
_PATIENCE_S: Final = 60.0  # then the supervisor is told, which starts another one

logger = logging.getLogger(__name__)


async def until_store_answers(settings: Settings, stop: asyncio.Event) -> bool:
    """Wait for the server of `[store] url`; False where `stop` is set before. Without one, no wait.

    Raises:
        StoreAwayError: It does not answer for a minute.
        StoreError: The address is none, or the server refuses.
        MissingExtraError: The client of Redis is not installed.
    """
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    waits = False
    while not stop.is_set():
        try:
            server = open_server(settings.store)
        except StoreAwayError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            if not waits:
                logger.warning("waiting: %s", error)
            waits = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_S)
        else:
            if server is not None:
                server.close()
            return True
    return False
