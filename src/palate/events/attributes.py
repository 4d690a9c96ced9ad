"""What attributes of items and users may hold: by kind where declared, plain JSON otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from palate.config import Attribute
from palate.types import AttributeKind

__all__ = ["MAX_DEPTH", "attributes_fault", "json_fault"]

MAX_DEPTH: Final = 16  # of objects and arrays within one another
_MIN_INT: Final = -(1 << 63)
_MAX_INT: Final = (1 << 63) - 1


def json_fault(name: str, value: Any, depth: int = 0) -> str | None:
    """Why `value` cannot be kept; None for nothing.

    It is JSON: at most 16 deep, keys are text, integers fit into 64 bits, numbers are finite.

    >>> json_fault("context", {"page": ["home", 3]})
    >>> json_fault("context", {"n": 2**70})
    'context.n is an integer beyond 64 bits'
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return None if _is_whole(value) else f"{name} holds half a character"
    if isinstance(value, int):
        return None if _MIN_INT <= value <= _MAX_INT else f"{name} is an integer beyond 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{name} is not a finite number"
    if not isinstance(value, (dict, list, tuple)):
        return f"{name} is a {type(value).__name__}, which JSON has not"
    if depth >= MAX_DEPTH:
        return f"{name} is nested more than {MAX_DEPTH} deep"
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        if isinstance(value, dict) and not (isinstance(key, str) and _is_whole(key)):
            return f"{name} has a key that is not text"
        wrong = json_fault(f"{name}.{key}", inner, depth + 1)
        if wrong is not None:
            return wrong
    return None


def _is_whole(text: str) -> bool:
    """Whether UTF-8 can hold it: no surrogate stands alone."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def attributes_fault(
    attributes: Mapping[str, Any], declared: Mapping[str, Attribute]
) -> str | None:
    """Why `attributes` cannot be those of an item or user; None for nothing.

    A declared attribute holds what its kind says, or null for unknown; others are kept as
    they are. `hidden` is true or false.

    >>> genre = {"genre": Attribute(kind=AttributeKind.CATEGORIES)}
    >>> attributes_fault({"genre": ["Comedy"]}, genre)
    >>> attributes_fault({"genre": "Comedy"}, genre)
    "attributes.genre is not a list of values, as 'categories' needs"
    """
    wrong = json_fault("attributes", dict(attributes))
    if wrong is not None:
        return wrong
    for name, value in attributes.items():
        kind = declared[name].kind if name in declared else None
        if kind is not None and value is not None:
            check, needed = _KINDS[kind]
            if not check(value):
                return f"attributes.{name} is not {needed}, as {kind.value!r} needs"
            size = declared[name].size
            if size is not None and len(value) != size:
                return f"attributes.{name} has {len(value)} numbers, not {size}"
    if not isinstance(attributes.get("hidden", False), bool):
        return "attributes.hidden is neither true nor false"
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return isinstance(value, (str, int, float))  # bool is an int


def _are_values(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_value, value))


def _are_numbers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_number, value))


def _is_time(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return _is_number(value)


_KINDS: Final[dict[AttributeKind, tuple[Callable[[Any], bool], str]]] = {
    AttributeKind.CATEGORY: (_is_value, "one value"),
    AttributeKind.CATEGORIES: (_are_values, "a list of values"),
    AttributeKind.NUMBER: (_is_number, "a number"),
    AttributeKind.TEXT: (_is_text, "text"),
    AttributeKind.IMAGE: (_is_text, "a URL or a path"),
    AttributeKind.VECTOR: (_are_numbers, "a list of numbers"),
    AttributeKind.TIME: (_is_time, "an ISO 8601 time or microseconds since 1970"),
}
