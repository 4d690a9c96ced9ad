"""Processes that have loaded their code and wait to be told what to do; one of them in reserve."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from palate.serve.child import child_environment

__all__ = ["Spare", "Spawned", "spawn"]

_SETTLE_S: Final = 3.0  # after the start: until then everybody is busy enough
_LOOK_S: Final = 1.0  # for a spare that has died


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process before its boot message.

    Attributes:
        process: It reads the message on its standard input.
        reports: The descriptor on which its report is read here.
        report_fd: The number of the descriptor to which it writes it, there.
    """

    process: asyncio.subprocess.Process
    reports: int
    report_fd: int

    async def discard(self) -> None:
        """End it; it has not begun anything."""
        os.close(self.reports)
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def spawn(
    module: str, descriptors: tuple[int, ...], *, preload: tuple[str, ...] = ()
) -> Spawned:
    """Start `python -m MODULE`, which inherits `descriptors` and its end of a pipe to report by.

    Args:
        module: What it runs.
        descriptors: Inherited.
        preload: Modules that it will need, and does not import by itself.
    """
    read, write = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *preload,
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(write, *descriptors),
            env=child_environment(),
            # Ctrl-C reaches the supervisor alone, which ends its children in order.
            start_new_session=True,
        )
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
    return Spawned(process, read, write)


class Spare:
    """Keeps one process in reserve, so that a killed one is replaced without loading its code.

    Most of a child's start is the import of its code: numpy, numba and their like; a spare has
    that behind it, for the memory that they take: some 40 MB for a writer (100 MB more where
    profiles are kept), 100 MB for a worker.

    Args:
        module: What it runs.
        descriptors: Inherited.
        preload: Modules that it will need under these settings.
    """

    def __init__(
        self, module: str, descriptors: tuple[int, ...], *, preload: tuple[str, ...] = ()
    ) -> None:
        self._module = module
        self._descriptors = descriptors
        self._preload = preload
        self._waiting: Spawned | None = None
        self._taken = asyncio.Event()

    async def take(self) -> Spawned:
        """The spare where there is one, be it half loaded; else one that was just started."""
        waiting, self._waiting = self._waiting, None
        self._taken.set()
        if waiting is not None:
            if waiting.process.returncode is None:
                return waiting
            await waiting.discard()
        return await self._spawn()

    async def _spawn(self) -> Spawned:
        return await spawn(self._module, self._descriptors, preload=self._preload)

    async def keep(self) -> None:
        """Replace the spare when it was taken or has died, until cancelled."""
        await asyncio.sleep(_SETTLE_S)
        while True:
            if self._waiting is not None and self._waiting.process.returncode is not None:
                await self._waiting.discard()
                self._waiting = None
            if self._waiting is None:
                self._waiting = await self._spawn()
            self._taken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._taken.wait(), _LOOK_S)

    async def close(self) -> None:
        """End the spare."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await waiting.discard()
