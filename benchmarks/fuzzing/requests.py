"""Requests that are nearly right: each route's good one, spoilt at random from a seed."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, quote_from_bytes

from fuzzing.nasty import TEXTS, mangled_bytes, mangled_json
from palate.serve.routes.table import ENDPOINTS

__all__ = ["Request", "spoilt"]

BODIES: dict[str, Any] = {
    "/v1/recommendations": {
        "user_id": "u001", "k": 5, "filters": {"genres": {"any": ["Comedy"]}},
        "exclude_items": ["m001"], "explain": True, "release": "stable", "surface": "home",
    },
    "/v1/events": [
        {"event": "click", "event_id": "fuzz", "user_id": "u001", "item_id": "m001",
         "timestamp": "2026-01-01T00:00:00Z", "value": 1.5, "position": 1, "request_id": "r",
         "surface": "home", "anonymous_id": "a", "context": {"page": {"depth": [1, 2]}}},
    ],
    "/v1/items/{item_id}": {"attributes": {"title": "A", "genres": ["Drama"]}, "hidden": False},
    "/v1/users/{user_id}": {"attributes": {"age": 30}},
}  # fmt: skip
QUERIES = ("k", "limit", "cursor", "filters", "release", "x")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
TYPES = (
    "application/json", "application/json; charset=utf-16", "text/plain", "application/xml",
    "multipart/form-data; boundary=x", "", "application/json, application/json", "*/*",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One request before it is put on the wire.

    Attributes:
        method: Also ones that no route has.
        target: Path and query, percent-encoded, or not quite.
        headers: Beside host and length.
        body: None for none.
        wire: Sent instead of all that, where HTTP itself is broken.
    """

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    wire: bytes | None = None

    def on_the_wire(self, host: str) -> bytes:
        """Its bytes."""
        if self.wire is not None:
            return self.wire
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines).encode("latin-1", "replace")
        return head + b"\r\n\r\n" + (self.body or b"")


def spoilt(rng: random.Random) -> Request:
    """One request of any route, spoilt in one or more ways."""
    good = _good(rng)
    kind = rng.random()
    if kind < 0.55 and good.body is not None:
        body = good.body
        spoil = mangled_bytes if rng.random() < 0.25 else None
        body = spoil(body, rng) if spoil else mangled_json(json.loads(body), rng)
        good = replace(good, body=body)
    elif kind < 0.75:
        good = replace(good, headers=_headers(good.headers, rng))
    elif kind < 0.8:
        good = replace(good, method=rng.choice(METHODS))
    elif kind < 0.84 and good.body is not None:
        packed = gzip.compress(b" " * rng.choice((10, 10_000_000)) + good.body)
        good = replace(good, body=packed, headers=[*good.headers, ("Content-Encoding", "gzip")])
    elif kind < 0.88:
        good = replace(good, wire=_broken(good, rng))
    return good


def _good(rng: random.Random) -> Request:
    """A request of a random route; its path and query may be odd already."""
    endpoint = rng.choice(ENDPOINTS)
    operation = rng.choice(endpoint.operations)
    path = "/".join(_id(rng) if part.startswith("{") else part for part in endpoint.path.split("/"))
    if rng.random() < 0.4:
        pairs = [f"{rng.choice(QUERIES)}={_id(rng)}" for _ in range(rng.randint(1, 3))]
        path += "?" + "&".join(pairs)
    if operation.body is None:
        return Request(operation.method, path)
    body = json.dumps(BODIES.get(endpoint.path, {})).encode()
    return Request(operation.method, path, [("Content-Type", "application/json")], body)


def _id(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return f"m{rng.randint(1, 300):03d}"
    if kind < 0.9:
        return quote(rng.choice(TEXTS), safe="")[:60_000]
    return quote_from_bytes(rng.randbytes(rng.randint(1, 12)), safe="")


def _headers(headers: list[tuple[str, str]], rng: random.Random) -> list[tuple[str, str]]:
    odd = [
        ("Content-Type", rng.choice(TYPES)),
        ("Authorization", rng.choice(("Bearer x", "Bearer", "Basic eDp4", "Bearer " + "k" * 9000))),
        ("X-Request-ID", rng.choice(("ok", "a b", "\x7f", "i" * 4000))),
        ("traceparent", rng.choice(("00-0-0-0", "zz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"))),
        ("Content-Encoding", rng.choice(("gzip", "br", "identity", "gzip, gzip"))),
        ("Accept", rng.choice(("*/*", "text/html", ""))),
        ("Expect", "100-continue"),
        ("Origin", rng.choice(("null", "https://evil.example", "x" * 3000))),
        ("Cookie", "a=" + "b" * 5000),
    ]
    kept = [] if rng.random() < 0.3 else headers
    return [*kept, *rng.sample(odd, rng.randint(1, 4))]


def _broken(good: Request, rng: random.Random) -> bytes:
    """Bytes that are no HTTP, or lie about their length."""
    body = good.body or b"{}"
    head = f"{good.method} /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunked = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    return rng.choice(
        (
            rng.randbytes(200) + b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(64),
            head.encode() + b"Content-Length: -1\r\n\r\n" + body,
            head.encode() + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + body,
            head.encode() + b"Content-Length: 99999999999999999999\r\n\r\n" + body,
            head.encode() + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            chunked + b"zz\r\n" + body + b"\r\n0\r\n\r\n",
            chunked + b"5\r\n[1, 2\r\n\r\n0\r\n\r\n",
            chunked + b"%x\r\n" % len(body) + body + b"\r\n0\r\nx: y\r\n\r\n",
            head.encode() + b"X: " + b"h" * 100_000 + b"\r\n\r\n",
            head.encode() + b"X\x00Y: z\r\n\r\n",
            head.encode().replace(b"/v1/events", b"/\xff\xfe") + b"\r\n",
        )
    )
