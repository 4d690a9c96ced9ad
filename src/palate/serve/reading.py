"""Bodies, ids and query parameters from a request, within limits, or a problem."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from palate.events.sound import id_fault
from palate.serve.problem import ProblemError

__all__ = [
    "BODY_S",
    "answer",
    "decode",
    "read_body",
    "read_filters",
    "read_id",
    "read_number",
    "read_text",
]

T = TypeVar("T")
BODY_S: Final = 20.0  # from the head of a request to the end of its body

_encode = msgspec.json.Encoder().encode


def answer(document: msgspec.Struct, *, headers: dict[str, str] | None = None) -> Response:
    """A 200 answer with `document` as JSON."""
    return Response(_encode(document), 200, headers, media_type="application/json")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body of a JSON request.

    Only `application/json` is taken: a page in a browser cannot send it to another site
    without that site's leave, so no page can post to a service on this machine.

    Nothing is unpacked: a compressed body is refused, so that no small one becomes a large one.

    Raises:
        ProblemError: 415 for another media type or a compressed body, 413 for over `limit` bytes,
            408 for one that takes too long, 400 where the client goes away.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(
            415, "not-json", f"the body is {media_type or 'untyped'}; send application/json"
        )
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProblemError(
            415, "compressed", "send the body uncompressed", headers={"accept-encoding": "identity"}
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError as error:
        raise ProblemError(
            408,
            "too-slow",
            f"the body did not come within {BODY_S:.0f} s",
            headers={"connection": "close"},
        ) from error
    except ClientDisconnect as error:
        raise ProblemError(400, "disconnected", "the client went away") from error
    return bytes(body)


def _too_large(limit: int) -> ProblemError:
    return ProblemError(
        413, "too-large", f"the body has over {limit} bytes ([serve] max_body_bytes)"
    )


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """`body` as the decoder's type.

    Raises:
        ProblemError: 400 for what is not JSON, 422 for JSON of another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ProblemError(422, "wrong-shape", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(400, "not-json", f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise ProblemError(400, "not-json", "the body is nested too deeply") from error


def read_id(request: Request, name: str) -> str:
    """The id in the path, decoded once: `%2F` is a slash inside an id.

    Raises:
        ProblemError: 400 where it is not UTF-8, 422 where no id can be so.
    """
    raw: str = request.path_params[name]
    try:
        public = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, "not-utf-8", f"the {name} in the path is not UTF-8") from error
    fault = id_fault(name, public)
    if fault is not None:
        raise ProblemError(422, "impossible-id", fault)
    return public


def read_number(request: Request, name: str, default: int | None, *, most: int) -> int | None:
    """A query parameter from 1 to `most`.

    Raises:
        ProblemError: 422.
    """
    raw = request.query_params.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 10 and 1 <= int(raw) <= most):
        raise ProblemError(
            422, "impossible-number", f"{name} is {raw!r:.40}; it is from 1 to {most}"
        )
    return int(raw)


def read_text(request: Request, name: str) -> str | None:
    """A query parameter that is not empty.

    Raises:
        ProblemError: 422.
    """
    raw = request.query_params.get(name)
    if raw == "":
        raise ProblemError(422, "empty", f"{name} is empty")
    return raw


_filters = msgspec.json.Decoder(dict[str, Any])


def read_filters(request: Request) -> dict[str, Any] | None:
    """The query parameter `filters`, which holds JSON.

    Raises:
        ProblemError: 400 or 422.
    """
    raw = request.query_params.get("filters")
    return None if raw is None else decode(_filters, raw.encode())
