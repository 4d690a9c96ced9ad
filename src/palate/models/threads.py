"""A range cut into parts that compiled loops work on in several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from numba import config

__all__ = ["in_parts", "thread_count"]


def thread_count() -> int:
    """Threads to use: the processors we may run on, or `NUMBA_NUM_THREADS`.

    A server sets that variable to 1: it has a process for each processor.
    """
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set at its import


def in_parts(work: Callable[[int, int], None], n: int, step: int, *, threads: int) -> None:
    """Call `work(start, stop)` for consecutive parts of `range(n)`, each at most `step` long.

    The parts are independent: the result does not depend on the number of threads, of which
    the caller's is one. An error ends the work of its thread, and is raised when the others
    have done what is left.
    """
    starts = iter(range(0, n, step))
    lock = Lock()

    def take_turns() -> None:
        # One turn costs a lock; a future for every part would cost more than a small part.
        while True:
            with lock:
                start = next(starts, None)
            if start is None:
                return
            work(start, min(start + step, n))

    helpers = min(threads, -(-n // step)) - 1
    if helpers < 1:
        take_turns()
        return
    with ThreadPoolExecutor(helpers) as pool:
        futures = [pool.submit(take_turns) for _ in range(helpers)]
        take_turns()
    for future in futures:
        future.result()
