"""How workers and the writer talk: length-prefixed MessagePack frames on a Unix socket."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from palate.errors import StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import ABOUT_ITEMS, Event

__all__ = ["MAX_FRAME_BYTES", "Answer", "Batch", "FrameReader", "about_items", "frame"]

MAX_FRAME_BYTES: Final = 256 << 20
_PREFIX_BYTES: Final = 4  # big-endian length of what follows


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Events to append, in order, and what else the log's owner is to write.

    Attributes:
        number: Chosen by the sender, distinct on its connection.
        events: To append.
        refused: To keep among the dead letters.
        settled: Numbers of dead letters to drop, once `events` are in the log.
    """

    number: int
    events: list[Event]
    refused: list[DeadLetter] = []
    settled: list[int] = []


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of the batch with that number.

    Attributes:
        number: The batch's.
        appended: One for each event, in order; none where there is an error.
        error: Why nothing was acknowledged.
        invalid: Whether it is the batch's own fault, so that it must not be sent again.
    """

    number: int
    appended: list[Appended] = []
    error: str = ""
    invalid: bool = False


def about_items(batch: Batch) -> Literal["all", "some", "none"]:
    """Which of a batch's events are changes of items; of a batch without events, none.

    Nobody looks at a screen for those, so they may wait for company and let people go first, as
    long as one about an item never overtakes another.
    """
    n = sum(event.event in ABOUT_ITEMS for event in batch.events)
    if n == 0:
        return "none"
    return "all" if n == len(batch.events) and not (batch.refused or batch.settled) else "some"


def frame(message: Batch | Answer) -> bytes:
    """One message as bytes on the wire.

    Raises:
        StoreError: It is larger than `MAX_FRAME_BYTES`.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise StoreError(
            f"a batch of {len(body)} bytes is more than the writer takes",
            hint="append fewer events at once",
        )
    return len(body).to_bytes(_PREFIX_BYTES, "big") + body


class FrameReader:
    """Cuts a stream of bytes into the bodies of frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that `data` completes, in order.

        Raises:
            StoreError: A length beyond `MAX_FRAME_BYTES`: the peer speaks something else.
        """
        buffer = self._buffer
        buffer += data
        bodies: list[bytes] = []
        at = 0
        while len(buffer) - at >= _PREFIX_BYTES:
            length = int.from_bytes(buffer[at : at + _PREFIX_BYTES], "big")
            if length > MAX_FRAME_BYTES:
                raise StoreError(f"a frame of {length} bytes on the writer's socket")
            end = at + _PREFIX_BYTES + length
            if len(buffer) < end:
                break
            bodies.append(bytes(buffer[at + _PREFIX_BYTES : end]))
            at = end
        del buffer[:at]
        return bodies
