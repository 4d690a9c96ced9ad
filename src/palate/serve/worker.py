"""One worker process: opens the state, loads releases, follows aliases, answers requests."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from palate.config import Settings
from palate.errors import StoreError
from palate.features.ingest import open_log, open_state
from palate.release.registry import open_releases
from palate.retrieval.settings import retrieval_settings
from palate.serve.acceptor import Acceptor, Loads
from palate.serve.access import Access
from palate.serve.app import Service
from palate.serve.catalogue import Catalogue
from palate.serve.child import Boot, bootstrap, on_stop, report_ready
from palate.serve.client import EventWriter, WriterClient
from palate.serve.connection import Connection
from palate.serve.context import Context
from palate.serve.counters import Counters
from palate.serve.keyring import KeyRing
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.opening import open_spaces
from palate.serve.otel import OtelTracer
from palate.serve.outbox import Outbox
from palate.serve.patience import until_store_answers
from palate.serve.place import Place
from palate.serve.rates import Rates
from palate.serve.recommend import Recommendations
from palate.serve.shelf import Shelf
from palate.serve.spans import install
from palate.serve.stand_in import StandIn
from palate.serve.surfaces import read_surfaces
from palate.serve.trials import ServedTrials, open_trials
from palate.store.database import REGISTRY, Database
from palate.store.keys import Keys

__all__ = ["following", "main", "open_context", "refresh"]

_TAIL_S: Final = 0.1  # between two looks at the log's tail
_MANY: Final = 500  # changes of items taken in at once, behind which there are perhaps more
_KEEP_ALIVE_S: Final = 75
_NOTE_USE_S: Final = 60.0  # when keys were used last is known to the minute
_SWITCH_S: Final = 0.0005  # for which a thread beside may hold up a request, not 5 ms
_CONNECT_S: Final = 2.0  # reads are answered without the writer, so do not wait longer

logger = logging.getLogger("palate.serve.worker")  # it is run as `__main__`


@contextmanager
def open_context(
    settings: Settings,
    writer: EventWriter,
    counters: Counters,
    lifecycle: Lifecycle,
    *,
    replica: int | None = None,
) -> Iterator[Context]:
    """Open what a worker needs, load what aliases name, and close it all at the end.

    Args:
        settings: All of them.
        writer: Takes events.
        counters: Of this process.
        lifecycle: Of the service.
        replica: The number of this worker, where embedder and indexer work for all workers;
            None makes indexes here.

    Raises:
        ConfigError: A surface is impossible.
        StoreError: The log or the state is missing: no writer has been here.
    """
    surfaces = read_surfaces(settings)
    with ExitStack() as opened:
        log = open_log(settings.home, settings, read_only=True)
        opened.callback(log.close)
        state = open_state(settings.home, settings, read_only=True)
        opened.callback(state.close)
        releases = open_releases(settings.home)
        opened.callback(releases.close)
        catalogue = Catalogue(log, settings.schema_)
        catalogue.fill(state)
        spaces = open_spaces(settings, surfaces, log, state, opened, counters, replica=replica)
        shelf = Shelf(releases, counters, spaces=spaces, reaches=state.profiles.reaches)
        shelf.refresh()
        trials = open_trials(log, settings, surfaces.values())
        access = _open_access(settings, opened)
        outbox = Outbox(writer, counters, slates=settings.log.served)
        yield Context(
            settings=settings,
            layout=Layout(settings.home),
            lifecycle=lifecycle,
            log=log,
            state=state,
            releases=releases,
            shelf=shelf,
            spaces=spaces,
            surfaces=surfaces,
            catalogue=catalogue,
            trials=trials,
            recommendations=Recommendations(
                StandIn(state, log, catalogue),
                shelf,
                Place.of(settings.schema_, surfaces, settings.serve),
                counters=counters,
                catalogue=catalogue,
                trials=trials,
                served=outbox.served if outbox.takes_slates else None,
            ),
            outbox=outbox,
            writer=writer,
            counters=counters,
            access=access,
        )


def _open_access(settings: Settings, opened: ExitStack) -> Access:
    database = Database(settings.home / REGISTRY)
    opened.callback(database.close)
    rates = Rates(Layout(settings.home).rates)
    opened.callback(rates.close)
    return Access(KeyRing(Keys(database)), rates)


@asynccontextmanager
async def following(context: Context) -> AsyncIterator[None]:
    """Follow aliases, keys and the log's tail until left."""
    tasks = [
        asyncio.create_task(_follow_aliases(context)),
        asyncio.create_task(_follow_keys(context)),
        asyncio.create_task(_follow_tail(context.catalogue)),
        asyncio.create_task(_follow_tail(context.trials)),
        asyncio.create_task(_follow_spaces(context)),
        asyncio.create_task(context.outbox.run()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await context.outbox.close()


async def _follow_aliases(context: Context) -> None:
    while True:
        await asyncio.sleep(context.settings.serve.poll_s)
        try:
            # In a thread: a bundle takes long to load, and requests go on meanwhile.
            await asyncio.to_thread(refresh, context)
        except StoreError as error:
            logger.error("cannot read the registry, trying again: %s", error)


def refresh(context: Context) -> None:
    """Take up newer snapshots first: a release may wait for one."""
    if context.spaces is not None:
        context.spaces.refresh()
    context.shelf.refresh()


async def _follow_spaces(context: Context) -> None:
    spaces = context.spaces
    if spaces is None:
        return
    poll_s = retrieval_settings(context.settings).poll_s
    while True:
        # In a thread: searches go on meanwhile, and net and index work without the interpreter.
        if await asyncio.to_thread(spaces.follow) < _MANY:  # few at a time cost much more
            await asyncio.sleep(poll_s)


async def _follow_keys(context: Context) -> None:
    ring = context.access.ring
    noted_at = time.monotonic()
    while True:
        await asyncio.sleep(context.settings.serve.poll_s)
        try:
            await asyncio.to_thread(ring.refresh)
            if time.monotonic() - noted_at > _NOTE_USE_S:
                await asyncio.to_thread(ring.note_use)
                noted_at = time.monotonic()
        except StoreError as error:
            logger.error("cannot read the keys, those known before stay: %s", error)


async def _follow_tail(follower: Catalogue | ServedTrials | None) -> None:
    while follower is not None:
        await asyncio.sleep(_TAIL_S)
        try:
            while follower.follow():
                await asyncio.sleep(0)  # requests go in between
        except StoreError as error:
            logger.error("cannot read the log's tail, trying again: %s", error)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the worker has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def new_connection(self) -> asyncio.Protocol:
        """What reads and answers one connection."""
        protocol: type[Any] = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state={}
        )
        return made


@contextmanager
def _traced(settings: Settings, process: str) -> Iterator[None]:
    """Send traces where the settings say; not at all where they say nothing."""
    if settings.observe.otlp_endpoint is None:
        yield
        return
    tracer = OtelTracer(settings.observe, process)
    install(tracer)
    try:
        yield
    finally:
        install(None)
        tracer.close()


async def _run(boot: Boot) -> None:
    settings = boot.open_settings()
    layout = Layout(settings.home)
    client = WriterClient(layout.writer_socket)
    counters = Counters(layout.counters(boot.name))
    lifecycle = Lifecycle()
    stop = on_stop(lifecycle.hear)
    if not await until_store_answers(settings, stop):
        return
    with (
        _traced(settings, boot.name),
        open_context(settings, client, counters, lifecycle, replica=boot.slot) as context,
    ):
        connecting = asyncio.create_task(client.run())
        try:
            await client.until_connected(_CONNECT_S)
            async with following(context):
                await _serve(Service(context), context, stop, boot)
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)


async def _serve(app: Service, context: Context, stop: asyncio.Event, boot: Boot) -> None:
    server = _Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nothing here asks where a request came from
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(context.settings.serve.drain_timeout_s),
        )
    )
    server.config.load()
    gc.collect()
    gc.freeze()  # models and vocabularies live as long as the process: do not walk them
    serving = asyncio.create_task(server.serve(sockets=[]))  # the acceptor brings connections
    acceptor = Acceptor(
        socket.socket(fileno=boot.socket_fd),
        server.new_connection,
        lambda: len(server.server_state.connections),
        Loads(context.layout.loads, context.settings.serve.workers, boot.slot),
    )
    acceptor.start()
    report_ready(boot)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    context.lifecycle.draining = True
    acceptor.close()
    server.should_exit = True
    await serving
    stopping.cancel()


def main() -> int:
    """Run a worker process that the supervisor started; its exit code."""
    sys.setswitchinterval(_SWITCH_S)
    return bootstrap(_run)


if __name__ == "__main__":
    sys.exit(main())
