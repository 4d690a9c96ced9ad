"""What one turn of the loop writes is sent in one piece, in order, and nothing is lost."""

from __future__ import annotations

import asyncio

from palate.serve.corked import CorkedTransport


class Beneath(asyncio.Transport):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5)})
        self.sent: list[bytes] = []
        self.closed = False

    def writelines(self, pieces: object) -> None:
        assert isinstance(pieces, list)
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_head_and_body_go_together_and_the_next_answer_apart() -> None:
    async def run() -> list[bytes]:
        beneath = Beneath()
        corked = CorkedTransport(beneath, asyncio.get_running_loop())
        corked.write(b"head ")
        corked.write(b"body")
        assert beneath.sent == []
        await asyncio.sleep(0)
        corked.write(b"next")
        await asyncio.sleep(0)
        return beneath.sent

    assert asyncio.run(run()) == [b"head body", b"next"]


def test_what_is_held_is_sent_before_it_closes() -> None:
    async def run() -> Beneath:
        beneath = Beneath()
        corked = CorkedTransport(beneath, asyncio.get_running_loop())
        corked.write(b"last")
        corked.close()
        corked.write(b"too late")
        await asyncio.sleep(0)
        return beneath

    beneath = asyncio.run(run())
    assert beneath.sent == [b"last"]
    assert beneath.closed


def test_much_is_not_held_back() -> None:
    async def run() -> list[bytes]:
        beneath = Beneath()
        corked = CorkedTransport(beneath, asyncio.get_running_loop())
        corked.write(bytes(40_000))
        corked.write(bytes(40_000))
        sent = list(beneath.sent)
        await asyncio.sleep(0)
        assert beneath.sent == sent
        return sent

    assert [len(one) for one in asyncio.run(run())] == [80_000]


def test_it_is_the_transport_beneath_otherwise() -> None:
    async def run() -> None:
        beneath = Beneath()
        corked = CorkedTransport(beneath, asyncio.get_running_loop())
        assert corked.get_extra_info("peername") == ("127.0.0.1", 5)
        assert not corked.is_closing()
        corked.close()
        assert corked.is_closing()

    asyncio.run(run())
