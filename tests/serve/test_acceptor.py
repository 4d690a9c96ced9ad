"""Connections are shared out, and none waits for a worker that does not come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from palate.serve.acceptor import Acceptor, Loads

N = 30


class Held(asyncio.Protocol):
    """A connection that stays open and is counted."""

    def __init__(self, held: set[asyncio.BaseTransport]) -> None:
        self._held = held

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._held.add(transport)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as made:
        yield made


def acceptor(
    shared: socket.socket, path: Path, slot: int, held: set[asyncio.BaseTransport]
) -> Acceptor:
    return Acceptor(shared.dup(), lambda: Held(held), lambda: len(held), Loads(path, 2, slot))


async def until(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.001)


def play(scene: Callable[[socket.socket], Awaitable[None]]) -> None:
    async def run() -> None:
        with listening() as shared:
            await asyncio.wait_for(scene(shared), 10)

    asyncio.run(run())


def connect(shared: socket.socket, n: int) -> list[socket.socket]:
    return [socket.create_connection(shared.getsockname()) for _ in range(n)]


def close(peers: list[socket.socket], *held: set[asyncio.BaseTransport]) -> None:
    for peer in peers:
        peer.close()
    for connections in held:
        for transport in connections:
            transport.close()


def test_connections_that_come_at_once_are_shared_out(tmp_path: Path) -> None:
    async def scene(shared: socket.socket) -> None:
        one: set[asyncio.BaseTransport] = set()
        two: set[asyncio.BaseTransport] = set()
        both = [acceptor(shared, tmp_path / "l", n, held) for n, held in enumerate((one, two))]
        peers = connect(shared, N)
        for each in both:
            each.start()
        await until(lambda: len(one) + len(two) == N)
        assert abs(len(one) - len(two)) <= 4
        for each in both:
            each.close()
        close(peers, one, two)

    play(scene)


def test_connections_of_a_worker_that_is_away_are_taken_by_the_other(tmp_path: Path) -> None:
    async def scene(shared: socket.socket) -> None:
        held: set[asyncio.BaseTransport] = set()
        Loads(tmp_path / "l", 2, 1)  # it holds none, and never accepts
        only = acceptor(shared, tmp_path / "l", 0, held)
        only.start()
        peers = connect(shared, N)
        await until(lambda: len(held) == N)
        only.close()
        close(peers, held)

    play(scene)


def test_after_the_end_what_waits_is_left_to_the_others(tmp_path: Path) -> None:
    async def scene(shared: socket.socket) -> None:
        held: set[asyncio.BaseTransport] = set()
        first = acceptor(shared, tmp_path / "l", 0, set())
        first.start()
        first.close()
        second = acceptor(shared, tmp_path / "l", 1, held)
        second.start()
        peers = connect(shared, 3)
        await until(lambda: len(held) == 3)
        second.close()
        close(peers, held)

    play(scene)


def test_each_worker_sees_the_others_and_starts_from_none(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "l"
    one, two, three = (Loads(path, 3, slot) for slot in range(3))
    one.publish(5)
    three.publish(2)
    assert one.least_of_others() == 0
    two.publish(9)
    assert one.least_of_others() == 2
    assert three.least_of_others() == 5
    assert Loads(path, 3, 2).least_of_others() == 5, "a restarted worker keeps the others' counts"
    assert one.least_of_others() == 0
    assert Loads(tmp_path / "alone", 1, 0).least_of_others() is None
