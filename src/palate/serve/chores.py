"""What the log's owner does beside appending: the audit of changes, the erasure of people."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing, suppress
from typing import Final

from palate.config import Settings
from palate.errors import StoreError
from palate.events.audit import LOOK, LogAudit
from palate.events.identity import now_us
from palate.features.ingest import Ingest
from palate.privacy.eraser import Eraser
from palate.store.database import REGISTRY, Database

__all__ = ["Chores", "do_chores"]

_BREATH_S: Final = 0.002  # between two steps, so that commits go first
_AGAIN_S: Final = 5.0  # after a failure

logger = logging.getLogger(__name__)


class Chores:
    """Audits and erases, for whoever owns the log: the service's writer, or a command.

    Args:
        ingest: Owns it.
        settings: Where files are.
        database: The registry.
    """

    def __init__(self, ingest: Ingest, settings: Settings, database: Database) -> None:
        assert ingest.forgotten is not None
        self._ingest = ingest
        self._audit = LogAudit(ingest.log, database, ingest.forgotten.pseudonyms)
        self._eraser = Eraser(ingest, settings.home, settings)

    def step(self, at_us: int) -> bool:
        """Do a little; whether there is more to do at once.

        The audit comes first: it names those who are erased, by a hash.

        Args:
            at_us: Microseconds since 1970 UTC.

        Raises:
            StoreError: A file cannot be written; what was not done is done by a later call.
        """
        with self._ingest.chores:
            behind = self._audit.follow() == LOOK
            return behind or self._eraser.step(at_us)


async def do_chores(ingest: Ingest, settings: Settings, stop: asyncio.Event) -> None:
    """Do what there is to do until `stop`; returns between two steps.

    Args:
        ingest: Works in a thread, so that batches are taken meanwhile.
        settings: All of them.
        stop: Ends it.
    """
    with closing(Database(settings.home / REGISTRY)) as database:
        chores = Chores(ingest, settings, database)
        while True:
            wait_s = settings.serve.poll_s
            try:
                if await asyncio.to_thread(chores.step, now_us()):
                    wait_s = _BREATH_S
            except StoreError as error:
                logger.error("erasing or auditing failed, trying again: %s", error)
                wait_s = _AGAIN_S
            if stop.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
