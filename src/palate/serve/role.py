"""What a service on one machine does: all of it, or one part beside others on the same home."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

from palate.config import Settings
from palate.retrieval.processes import run_embedder, run_indexer
from palate.serve.child import Boot, on_stop, report_ready
from palate.serve.logs import configure_logs

__all__ = ["Job", "Role", "give_way", "run_beside", "run_here"]

Job = Callable[[Settings, threading.Event], None]  # works until the event is set


class Role(StrEnum):
    """A part of the service.

    `ALL` is the gateway, and embedder and indexer where a surface is answered by nets.
    """

    ALL = "all"
    GATEWAY = "gateway"
    EMBEDDER = "embedder"
    INDEXER = "indexer"


_AUTOGROUP: Final = Path("/proc/self/autogroup")


def give_way(more: int) -> None:
    """Let other processes go first where all want the processor, where the system can.

    Linux shares the processor out among sessions first where `sched_autogroup_enabled` says so,
    and every child of the supervisor is a session of its own: there the niceness of the session
    is what counts.

    Args:
        more: Steps of niceness: at 5 it gets a third of what another gets, at 10 a ninth.
    """
    if hasattr(os, "nice"):
        now = os.nice(more)
        if _AUTOGROUP.exists():
            with suppress(OSError):  # of somebody else's session: then it stays as it is
                _AUTOGROUP.write_text(str(now))


def run_here(role: Role, settings: Settings, on_ready: Callable[[], None]) -> None:
    """Embed or index in this process until SIGTERM or SIGINT.

    Args:
        role: `EMBEDDER` or `INDEXER`.
        settings: All of them; `home` is absolute.
        on_ready: Called once it begins.

    Raises:
        LogError: Another process embeds for this home.
        ConfigError: `[retrieval]` has an impossible value.
    """
    configure_logs(settings.observe, role.value)
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        on_ready()
        _JOBS[role](settings, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def run_beside(boot: Boot, job: Job) -> None:
    """Do a job in a child of the supervisor until it is told to end, or the supervisor is gone.

    Raises:
        PalateError: What ended the job.
    """
    settings = boot.open_settings()
    stop, stopping = threading.Event(), on_stop()
    working = asyncio.create_task(asyncio.to_thread(job, settings, stop))
    report_ready(boot)  # it waits by itself for what others have to make first
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    told.cancel()
    await working


_JOBS: dict[Role, Job] = {Role.EMBEDDER: run_embedder, Role.INDEXER: run_indexer}
