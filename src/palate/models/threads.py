"""A range cut into parts that compiled loops work on in several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import config

__all__ = ["in_parts", "thread_count"]


def thread_count() -> int:
    """Threads to use: the processors we may run on, or `NUMBA_NUM_THREADS`.

    A server sets that variable to 1: it has a process for each processor.
    """
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def in_parts(work: Callable[[int, int], None], n: int, step: int, *, threads: int) -> None:
    """Call `work(start, stop)` for consecutive parts of `range(n)`, each at most `step` long.

    The parts are independent: the result does not depend on the number of threads. The
    first error is raised after all parts ended.
    """
    starts = range(0, n, step)
    if threads < 2 or len(starts) < 2:
        for start in starts:
            work(start, min(start + step, n))
        return
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        futures = [pool.submit(work, start, min(start + step, n)) for start in starts]
    for future in futures:
        future.result()
