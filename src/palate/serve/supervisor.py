"""`palate serve`: a writer, and workers on one socket, kept running until told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

from palate._optional import require
from palate.config import Settings
from palate.errors import ConfigError
from palate.retrieval.settings import retrieval_settings
from palate.serve.child import Boot, bootstrap, on_stop, report_ready, stop_on_signals
from palate.serve.counters import reset_states
from palate.serve.exposure import check_exposure
from palate.serve.keeper import Keeper
from palate.serve.layout import Layout
from palate.serve.lifecycle import DRAIN, STARTED
from palate.serve.lock import announce, only_service
from palate.serve.logs import configure_logs
from palate.serve.opening import wants_spaces
from palate.serve.role import Role
from palate.serve.spawn import Spare
from palate.serve.surfaces import read_surfaces
from palate.store.chosen import open_server

__all__ = ["main", "serve"]

_BACKLOG: Final = 2048
_LONGER_S: Final = 5.0  # than a worker gives its own requests, it may take to end
_SOCKET_PATH_BYTES: Final = 103  # the least that any system takes for a Unix socket

logger = logging.getLogger("palate.serve.supervisor")  # it may be run as `__main__`


def serve(
    settings: Settings,
    on_ready: Callable[[str], None] | None = None,
    *,
    role: Role = Role.ALL,
) -> None:
    """Run the service until SIGTERM or SIGINT; returns once all requests are answered.

    Args:
        settings: All of them; `home` is absolute.
        on_ready: Called with the URL once every worker answers.
        role: `ALL`, or `GATEWAY` where embedder and indexer run elsewhere.

    Raises:
        ConfigError: The host is not this machine alone and there are no keys; a surface is
            impossible; the port is taken.
        StoreError: Another service runs on this home, or the server of `[store] url` is away.
        MissingExtraError: `[store] url` is set and the client of Redis is not installed.
        ChildError: The writer or a worker cannot start.
    """
    asyncio.run(_serve(settings, stop_on_signals, on_ready or (lambda url: None), role))


async def _serve(
    settings: Settings,
    stopper: Callable[[], asyncio.Event],
    on_ready: Callable[[str], None],
    role: Role = Role.ALL,
) -> None:
    configure_logs(settings.observe, "supervisor")
    check_exposure(settings)
    surfaces = read_surfaces(settings)
    retrieval_settings(settings)
    embeds = role is Role.ALL and wants_spaces(settings, surfaces)
    _check_socket_path(settings)
    if settings.observe.otlp_endpoint is not None:
        require("opentelemetry.sdk.trace", extra="otel")  # here, not in each child
    server = open_server(settings.store)  # one that is not there is said at once
    if server is not None:
        server.close()
    with only_service(settings.home) as lock, closing(_listen(settings)) as listening:
        url = _url(settings, listening)
        reset_states(Layout(settings.home).counters_folder)

        def ready() -> None:
            announce(lock, url)
            on_ready(url)

        await _run(settings, listening, stopper(), ready, embeds=embeds)


async def _run(
    settings: Settings,
    listening: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[], None],
    *,
    embeds: bool,
) -> None:
    for_all, for_workers = _preloaded(settings)
    spares = (
        Spare("palate.serve.writer", (), preload=for_all),
        Spare("palate.serve.worker", (listening.fileno(),), preload=for_all + for_workers),
    )
    writer, workers = _children(settings, listening, *spares)
    # No spares of these: while one is started again, answers are as fresh as before.
    helpers = [_helper(name, settings) for name in ("embedder", "indexer") if embeds]
    keeping: list[asyncio.Task[None]] = []
    try:
        starting = asyncio.create_task(_start(writer, workers))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return
        await starting
        await asyncio.gather(*(helper.start() for helper in helpers))
        keeping = [asyncio.create_task(child.keep()) for child in (writer, *workers, *helpers)]
        keeping += [asyncio.create_task(spare.keep()) for spare in spares]
        for worker in workers:
            worker.tell(STARTED)
        ready()
        await asyncio.wait({stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        for task in keeping:
            if task.done():
                task.result()  # a fault of ours in keeping: end, and say so
        await _give_notice(settings.serve.drain_notice_s, workers, stop)
    finally:
        drain_s = settings.serve.drain_timeout_s + _LONGER_S
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await asyncio.gather(*(spare.close() for spare in spares))
        # Workers first: their last events still want the writer.
        await asyncio.gather(*(child.stop(drain_s) for child in (*workers, *helpers)))
        await writer.stop(drain_s)


async def _give_notice(seconds: float, workers: list[Keeper], stop: asyncio.Event) -> None:
    """Say that the end is near and answer on, so that load balancers look away first.

    A second signal ends the wait.
    """
    for worker in workers:
        worker.tell(DRAIN)
    if seconds:
        logger.info("ending in %g s; /readyz says so", seconds)
        stop.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


async def _start(writer: Keeper, workers: list[Keeper]) -> None:
    # All load their code at once; then the writer makes the files that workers open.
    await asyncio.gather(*(child.spawn() for child in (writer, *workers)))
    await writer.boot()
    await asyncio.gather(*(worker.boot() for worker in workers))


def _children(
    settings: Settings, listening: socket.socket, spare_writer: Spare, spare_worker: Spare
) -> tuple[Keeper, list[Keeper]]:
    text = settings.model_dump_json()
    within_s = settings.serve.start_timeout_s

    def worker(slot: int) -> Keeper:
        def boot(report_fd: int) -> Boot:
            return Boot(
                name=f"worker-{slot}",
                settings=text,
                report_fd=report_fd,
                slot=slot,
                socket_fd=listening.fileno(),
            )

        return Keeper(f"worker {slot}", spare_worker, boot, within_s=within_s)

    def boot_writer(report_fd: int) -> Boot:
        return Boot(name="writer", settings=text, report_fd=report_fd)

    writer = Keeper("writer", spare_writer, boot_writer, within_s=within_s)
    return writer, [worker(slot) for slot in range(settings.serve.workers)]


def _preloaded(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What these settings make every child import late, and workers beside: seconds, together."""
    for_all: tuple[str, ...] = ()
    if settings.store.url is not None:
        for_all += ("redis",)
    if settings.profile is not None:
        for_all += ("palate.features.profile.refresh", "palate.features.profile_changes")
    by_nets = wants_spaces(settings, read_surfaces(settings))
    return for_all, ("onnxruntime", "palate.models.realtime.model") if by_nets else ()


def _helper(name: str, settings: Settings) -> Keeper:
    """The embedder or the indexer: their modules are called as they are."""
    text = settings.model_dump_json()
    return Keeper(
        name,
        Spare(f"palate.serve.{name}", ()),
        lambda report_fd: Boot(name=name, settings=text, report_fd=report_fd),
        within_s=settings.serve.start_timeout_s,
    )


def _listen(settings: Settings) -> socket.socket:
    """One socket for all workers, so that none is missed while a worker is started again."""
    host, port = settings.serve.host, settings.serve.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"[serve] host {host!r} is no address here: {error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            hint="choose another --port; 0 takes any that is free",
        ) from error
    return listening


def _url(settings: Settings, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    host = settings.serve.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_socket_path(settings: Settings) -> None:
    path = Layout(settings.home).writer_socket
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
        raise ConfigError(
            f"the path of home is too long for a Unix socket: {path}",
            hint=f"choose a --home so that it has at most {_SOCKET_PATH_BYTES} bytes",
        )


async def _from_boot(boot: Boot) -> None:
    await _serve(boot.open_settings(), on_stop, lambda url: report_ready(boot))


def main() -> int:
    """Run the service for a `BackgroundService`; its exit code."""
    return bootstrap(_from_boot)


if __name__ == "__main__":
    sys.exit(main())
