"""Retention and compaction while serving: small steps of the writer, between its commits."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final, Protocol

from palate.errors import StoreError
from palate.events.identity import now_us

__all__ = ["keep_up"]

_LOOK_S: Final = 30.0  # how often it looks whether there is something to do
_BREATH_S: Final = 0.05  # between two steps, so that commits go first

logger = logging.getLogger(__name__)


class KeepsUp(Protocol):
    """What it asks: `palate.features.ingest.Ingest`."""

    def keep_up(self, now_us: int) -> bool:
        """Do a little; whether there is more to do at once."""
        ...


async def keep_up(ingest: KeepsUp, stop: asyncio.Event) -> None:
    """Drop what the log need not keep, until `stop`; returns between two steps.

    Args:
        ingest: Works in a thread, so that batches are taken meanwhile.
        stop: Ends it.
    """
    while not stop.is_set():
        more = False
        try:
            more = await asyncio.to_thread(ingest.keep_up, now_us())
        except StoreError as error:
            logger.error("the log's upkeep failed, trying again: %s", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _BREATH_S if more else _LOOK_S)
