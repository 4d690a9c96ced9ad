"""Takes connections from the shared socket so that every worker gets its part of them.

Left alone, whichever worker wakes first takes all that wait, and a client that keeps its
connections open then has one worker answer everything while the others sleep.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["Acceptor", "Loads", "read_loads"]

_AHEAD: Final = 1  # connections that a worker may have more than the least loaded one
_DEFER_S: Final = 0.001  # for which a worker that is further ahead leaves a connection to others
_PUBLISH_S: Final = 0.1
_PAUSE_S: Final = 0.1  # when no descriptor is left
_CELL: Final = 8  # bytes of one worker's count

logger = logging.getLogger(__name__)


class Loads:
    """How many connections each worker holds, in one small mapped file.

    Args:
        path: The file; made by whoever comes first.
        workers: How many there are.
        slot: Which of them is ours.
    """

    def __init__(self, path: Path, workers: int, slot: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(_CELL * workers)  # keeps what others have written already
            self._map = mmap.mmap(file.fileno(), _CELL * workers)
        self._cells = memoryview(self._map).cast("q")
        self._slot = slot
        self.publish(0)

    def publish(self, connections: int) -> None:
        """Tell the others how many we hold."""
        self._cells[self._slot] = connections

    def least_of_others(self) -> int | None:
        """The fewest connections that another worker holds; None where there is no other."""
        return min(
            (held for slot, held in enumerate(self._cells) if slot != self._slot), default=None
        )


def read_loads(path: Path) -> int:
    """The connections of all workers; 0 where none has ever run."""
    if not path.is_file():
        return 0
    return sum(memoryview(path.read_bytes()).cast("q"))


class Acceptor:
    """Accepts one connection at a time, and leaves it to a less loaded worker for a moment.

    Args:
        listening: The socket that all workers share.
        protocol: Makes the protocol of a new connection.
        held: How many connections we hold.
        loads: Those of all workers.
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        held: Callable[[], int],
        loads: Loads,
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._held = held
        self._loads = loads
        self._loop = asyncio.get_running_loop()
        self._deferred = False
        self._arriving: set[asyncio.Task[object]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Begin to accept."""
        self._listening.settimeout(0.0)
        self._publish()
        self._watch()

    def close(self) -> None:
        """Accept no more; what waits is left to the other workers."""
        for timer in self._timers.values():
            timer.cancel()
        self._loads.publish(0)
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()

    def _watch(self) -> None:
        self._loop.add_reader(self._listening.fileno(), self._readable)

    def _look_away(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening.fileno())
        self._timers["watch"] = self._loop.call_later(seconds, self._watch)

    def _publish(self) -> None:
        self._loads.publish(self._total())
        self._timers["publish"] = self._loop.call_later(_PUBLISH_S, self._publish)

    def _total(self) -> int:
        return self._held() + len(self._arriving)

    def _readable(self) -> None:
        least = self._loads.least_of_others()
        ahead = least is not None and self._total() > least + _AHEAD
        if ahead and not self._deferred:
            self._deferred = True  # once: the other may be busy, or gone
            self._look_away(_DEFER_S)
            return
        self._deferred = False
        try:
            accepted, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was quicker, or the client has gone
        except OSError as error:
            logger.error("cannot accept a connection: %s", error)
            self._look_away(_PAUSE_S)
            return
        accepted.settimeout(0.0)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task: asyncio.Task[object] = self._loop.create_task(
            self._loop.connect_accepted_socket(self._protocol, accepted)
        )
        self._arriving.add(task)
        self._loads.publish(self._total())
        task.add_done_callback(self._arriving.discard)
