"""Values that have broken parsers before, and ways to work them into a good value."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

__all__ = ["TEXTS", "VALUES", "mangled_bytes", "mangled_json"]

TEXTS: tuple[str, ...] = (
    "", " ", "0", "-1", "null", "NaN", "a" * 501, "b" * 70_000, "\x00", "\x1f", "\u2028", "\ufeff",
    "\ud7ff", "\U0001f4a9", "e\u0301", "\u202etxt", "../../etc/passwd", "..%2f..%2f", "%00", "%zz",
    "' OR 1=1 --", '"; DROP TABLE events; --', "{{7*7}}", "${jndi:ldap://x}", "<script>", "a/b",
    "stable", "fuzz:1", "fuzz:999999999999999999999", "1e999", "true", "[]", "{}",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, -1, 1, 2**31, -(2**63), 2**63, 2**64, 10**400, 1e308, 5e-324,
    float("nan"), float("inf"), [], {}, [[]], [None], [{}], {"": ""}, {"any": []},
    {"min": "x"}, {"min": 9, "max": 1}, {"any": [{}]}, ["x"] * 2000, *TEXTS,
)  # fmt: skip
DEEP = (5, 60, 1_000, 5_000)


def mangled_json(value: Any, rng: random.Random) -> bytes:
    """`value` with one to three places spoilt, as JSON (or nearly)."""
    spoilt = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        spoilt = _spoil(spoilt, rng)
    text = json.dumps(spoilt, ensure_ascii=rng.random() < 0.5)  # NaN and Infinity stay as they are
    if rng.random() < 0.05:
        depth = rng.choice(DEEP)
        text = "[" * depth + text + "]" * depth
    return text.encode("utf-8", "surrogatepass")


def _spoil(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.15:
            del value[key]
        elif kind < 0.3:
            value[rng.choice(TEXTS)] = copy.deepcopy(rng.choice(VALUES))
        elif kind < 0.4:
            value[rng.choice(TEXTS)] = value.pop(key)
        else:
            value[key] = _spoil(value[key], rng)
        return value
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return value * rng.choice((0, 2, 50))
        value[at] = _spoil(value[at], rng)
        return value
    return copy.deepcopy(rng.choice(VALUES))


def mangled_bytes(data: bytes, rng: random.Random) -> bytes:
    """`data` with bytes cut off, flipped, repeated or put in."""
    kind = rng.randrange(5)
    at = rng.randrange(len(data) + 1)
    if kind == 0:
        return data[:at]
    if kind == 1 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + rng.randbytes(rng.randint(1, 20)) + data[at:]
    if kind == 3:
        return data[:at] + b"\xed\xa0\x80\xff\xfe" + data[at:]
    return data + data[at:]
