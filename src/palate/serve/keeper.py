"""Keeps one child process of the service running: starts it, restarts it, ends it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final

import msgspec

from palate.errors import PalateError
from palate.serve.child import Boot, Report
from palate.serve.spawn import Spare

__all__ = ["ChildError", "Keeper"]

_FIRST_WAIT_S: Final = 0.05  # before a child that had run well is started again
_LONGEST_WAIT_S: Final = 5.0
_RAN_WELL_S: Final = 1.0  # since it was ready: one that was killed is no crash loop

logger = logging.getLogger(__name__)


class ChildError(PalateError):
    """A child process could not start; its own words say why."""


class Keeper:
    """One child, told what to do by a `Boot` on its standard input.

    Args:
        name: For the log.
        spare: Where its process comes from.
        boot: Makes its boot message, given the descriptor that it reports to.
        within_s: How long it may take until it is ready.
    """

    def __init__(
        self, name: str, spare: Spare, boot: Callable[[int], Boot], *, within_s: float
    ) -> None:
        self.name = name
        self._within_s = within_s
        self._spare = spare
        self._boot = boot
        self._process: asyncio.subprocess.Process | None = None
        self._reports = -1  # where the child's report is read
        self._report_fd = -1  # where the child writes it, in the child
        self._word = ""  # the last one told, which a child that is started later wants too

    @property
    def pid(self) -> int:
        """Of the child now, or 0."""
        return 0 if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the child and wait until it says that it is ready.

        Raises:
            ChildError: It could not; in its own words.
        """
        await self.spawn()
        await self.boot()

    async def spawn(self) -> None:
        """Start the process; it loads its code and then waits to be told what to do."""
        spawned = await self._spare.take()
        self._process = spawned.process
        self._reports, self._report_fd = spawned.reports, spawned.report_fd

    async def boot(self) -> None:
        """Tell the spawned process what to do, and wait until it says that it is ready.

        Raises:
            ChildError: It could not; in its own words.
        """
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self._boot(self._report_fd)) + b"\n")
        report = await _reported(self._reports, self._within_s)
        if not report.ready:
            await self.stop(1.0)
            detail = report.error or f"it ended with code {process.returncode}; its log says why"
            raise ChildError(f"the {self.name} cannot start: {detail}", hint=report.hint)
        self._say()

    def tell(self, word: str) -> None:
        """Say a word to the child, and to those that are started in its place."""
        self._word = word
        self._say()

    def _say(self) -> None:
        process = self._process
        if self._word and process is not None and process.stdin is not None:
            process.stdin.write(f"{self._word}\n".encode())  # asyncio drops it where it has gone

    async def keep(self) -> None:
        """Start the child again whenever it ends, until cancelled."""
        loop = asyncio.get_running_loop()
        wait_s = _FIRST_WAIT_S
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            if loop.time() - began > _RAN_WELL_S:
                wait_s = _FIRST_WAIT_S
            ended = loop.time()
            logger.warning("the %s ended with code %s; starting it again", self.name, code)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            try:
                await self.start()
            except ChildError as error:
                logger.error("%s", error)
            else:
                logger.info("the %s is back after %.2f s", self.name, loop.time() - ended)

    async def stop(self, timeout_s: float) -> None:
        """Ask the child to end, and kill it where it has not after `timeout_s` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            logger.error("the %s does not end; killing it", self.name)
            process.kill()
            await process.wait()


async def _reported(descriptor: int, within_s: float) -> Report:
    """What the child writes; nothing ready where it ends or says nothing in time."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            line = await asyncio.wait_for(reader.readline(), within_s)
        except TimeoutError:
            return Report(
                error=f"it was not ready within {within_s:g} s",
                hint="a large catalogue takes longer: raise serve.start_timeout_s",
            )
        finally:
            transport.close()
    return msgspec.json.decode(line, type=Report) if line else Report()
