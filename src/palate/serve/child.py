"""How a child process of the service starts, says that it is ready, and ends."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from palate.config import Settings
from palate.errors import PalateError
from palate.serve.file_limit import raise_file_limit
from palate.serve.logs import configure_logs

__all__ = [
    "FATAL_EXIT",
    "Boot",
    "Report",
    "bootstrap",
    "child_environment",
    "on_stop",
    "preload",
    "report_ready",
    "stop_on_signals",
]

FATAL_EXIT: Final = 3  # a PalateError ended the child; its report says which

# One compute thread a process: as many processes as cores run already.
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor tells a child, as one JSON line on its standard input.

    Settings go this way, not by arguments: keys must not show in a list of processes. The
    pipe stays open: when it closes, the supervisor is gone and the child ends.

    Attributes:
        name: How the child calls itself in logs and metrics: `worker-0`.
        settings: All settings, as JSON.
        report_fd: Where the child writes its `Report`.
        slot: Which worker this is, from 0.
        socket_fd: The listening socket, for workers.
    """

    name: str
    settings: str
    report_fd: int
    slot: int = 0
    socket_fd: int = -1

    def open_settings(self) -> Settings:
        """The settings exactly as given: neither file nor environment is read again."""
        return _Given.model_validate_json(self.settings)


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a child tells the supervisor once: that it is ready, or why it cannot be."""

    ready: bool = False
    error: str = ""
    hint: str | None = None


class _Given(Settings):
    model_config = SettingsConfigDict(toml_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def child_environment() -> dict[str, str]:
    """The environment of a child: ours, with one compute thread."""
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}


def bootstrap(run: Callable[[Boot], Awaitable[None]]) -> int:
    """Read the boot line, run the child's main coroutine on uvloop, and report a failure.

    Returns:
        The exit code.
    """
    factory = _loop_factory()  # a spare has its code loaded before it is told what to do
    preload(sys.argv[1:])
    boot = msgspec.json.decode(_boot_line(), type=Boot)
    configure_logs(boot.open_settings().observe, boot.name)
    raise_file_limit()
    try:
        _run_on(factory, run(boot))
    except PalateError as error:
        logging.getLogger(__name__).error("%s", error)
        _report(boot, Report(error=error.message, hint=error.hint))
        return FATAL_EXIT
    return 0


def preload(names: Sequence[str]) -> None:
    """Import what will be needed; a package that is not installed is missed by whoever needs it."""
    for name in names:
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)


def _boot_line() -> bytes:
    """The first line of standard input, byte by byte: nothing after it is taken."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("started without a supervisor; type: palate serve")
        line += byte
    return bytes(line)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _run_on(factory: Callable[[], asyncio.AbstractEventLoop] | None, main: Awaitable[None]) -> None:
    async def run() -> None:
        await main

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def on_stop(hear: Callable[[str], None] | None = None) -> asyncio.Event:
    """An event that is set by a signal, or when the process that started this one has gone.

    Args:
        hear: Gets each word that the starter says meanwhile.
    """
    loop = asyncio.get_running_loop()
    stop = stop_on_signals()
    said = bytearray()

    def readable() -> None:
        more = os.read(0, 1024)
        if not more:
            loop.remove_reader(0)
            stop.set()
            return
        said.extend(more)
        *words, rest = bytes(said).split(b"\n")
        said[:] = rest
        for word in words:
            if hear is not None:
                hear(word.decode())

    loop.add_reader(0, readable)
    return stop


def report_ready(boot: Boot) -> None:
    """Tell the supervisor that this child does its work now."""
    _report(boot, Report(ready=True))


def _report(boot: Boot, report: Report) -> None:
    try:
        os.write(boot.report_fd, msgspec.json.encode(report) + b"\n")
        os.close(boot.report_fd)
    except OSError as error:  # the supervisor has gone, or was told already
        logging.getLogger(__name__).info("nobody to report to: %s", error)
