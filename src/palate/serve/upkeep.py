"""The log's upkeep while serving: retention, compaction, checkpoints, beside the commits."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final, Protocol

from palate.errors import StoreError
from palate.events.identity import now_us

__all__ = ["checkpoint", "follow", "keep_up"]

_LOOK_S: Final = 30.0  # how often it looks whether there is something to do
_BREATH_S: Final = 0.05  # between two steps, so that commits go first
_AGAIN_S: Final = 5.0  # after a failed checkpoint
_FOLLOW_S: Final = 0.2  # a state that fell behind is found out in so long
_CHECKPOINT_S: Final = 0.25  # a part of what an append would have to do some seconds later

logger = logging.getLogger(__name__)


class KeepsUp(Protocol):
    """What it asks: `palate.features.ingest.Ingest`."""

    def keep_up(self, now_us: int) -> bool:
        """Do a little; whether there is more to do at once."""
        ...


class Follows(Protocol):
    """What it asks: `palate.features.ingest.Ingest`."""

    def catch_up(self) -> bool:
        """Bring the state to the log's head; whether it was behind."""
        ...


class Checkpoints(Protocol):
    """What it asks: `palate.features.ingest.Ingest`."""

    def checkpoint(self) -> None:
        """Do it now; appends go on beside it."""
        ...


async def checkpoint(ingest: Checkpoints, stop: asyncio.Event) -> None:
    """Put the write-ahead log into the file a little at a time, until `stop`.

    Else one append every few seconds would do it for all before it, and all behind it wait.

    Args:
        ingest: Works in a thread, so that batches are taken meanwhile.
        stop: Ends it.
    """
    while not stop.is_set():
        wait_s = _CHECKPOINT_S
        try:
            await asyncio.to_thread(ingest.checkpoint)
        except StoreError as error:  # appends are refused as well, and their senders told
            logger.warning("no checkpoint, trying again: %s", error)
            wait_s = _AGAIN_S
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait_s)


async def follow(ingest: Follows, stop: asyncio.Event) -> None:
    """Bring the state to the log's head wherever it fell behind, until `stop`.

    It does where its server was away while events came, or came back older than it was. Else the
    next event would have to come first.

    Args:
        ingest: Works in a thread.
        stop: Ends it.
    """
    away = False
    while not stop.is_set():
        try:
            behind = await asyncio.to_thread(ingest.catch_up)
        except StoreError as error:
            if not away:
                logger.error("the state does not follow the log, trying again: %s", error)
            away = True
        else:
            if behind or away:
                logger.info("the state follows the log again")
            away = False
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _FOLLOW_S)


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
