"""One worker without sockets whose index comes from elsewhere, and what makes indexes for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from palate.config import Settings
from palate.features.ingest import open_ingest
from palate.retrieval.processes import run_embedder, run_indexer
from palate.serve.app import Service
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.worker import open_context
from palate.testing.service import DirectWriter, InProcessService


@contextmanager
def following(settings: Settings) -> Iterator[InProcessService]:
    """A worker that takes its index from snapshots; no embedder and no indexer run beside it."""
    with ExitStack() as opened:
        worker = InProcessService(settings)
        worker.ingest = opened.enter_context(open_ingest(settings.home, settings))
        worker.writer = DirectWriter(worker.ingest)
        counters = Counters(Layout(settings.home).counters("worker-0"))
        opened.callback(counters.close)
        worker.context = opened.enter_context(
            open_context(settings, worker.writer, counters, Lifecycle(started=True), replica=0)
        )
        worker.app = Service(worker.context)
        yield worker


@contextmanager
def roles(settings: Settings) -> Iterator[None]:
    """Embedder and indexer, as threads."""
    stop = threading.Event()
    runs: tuple[Callable[..., None], ...] = (run_embedder, run_indexer)
    threads = [threading.Thread(target=run, args=(settings, stop)) for run in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
