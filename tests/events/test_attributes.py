from __future__ import annotations

from typing import Any

import pytest

from palate.config import Attribute
from palate.events.attributes import MAX_DEPTH, attributes_fault, json_fault
from palate.types import AttributeKind

DECLARED = {
    kind.value: Attribute(kind=kind, size=2 if kind is AttributeKind.VECTOR else None)
    for kind in AttributeKind
}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [None, True, -(2**63), 2**63 - 1, 1e308, "é", [], {}, nested(16)])
def test_json(value: Any) -> None:
    assert json_fault("context", value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [1, float("nan")]}, "context.a.1 is not a finite number"),
        ({"a": {"b": 2**63}}, "context.a.b is an integer beyond 64 bits"),
        ({"a": float("inf")}, "context.a is not a finite number"),
        ({"a": object()}, "context.a is a object, which JSON has not"),
        ({1: 2}, "context has a key that is not text"),
        ({"\ud800": 2}, "context has a key that is not text"),
        ({"a": "\ud800"}, "context.a holds half a character"),
        (nested(MAX_DEPTH + 1), "nested more than 16 deep"),
        (nested(100_000), "nested more than 16 deep"),
    ],
)
def test_no_json(value: Any, reason: str) -> None:
    assert reason in (json_fault("context", value) or "")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("category", ["a", 3, 1.5, False], [["a"], {"a": 1}]),
        ("categories", [["a", 2], []], ["a", 3, [["a"]], [None]]),
        ("number", [1, 2.5, -3], ["1", True, [1]]),
        ("text", ["a", ""], [1, ["a"]]),
        ("image", ["https://example.org/a.png"], [1]),
        ("vector", [[1, 2.5]], [1, "1 2", [1, "2"], [1, [2]], [None, 1]]),
        ("time", ["2024-01-01", "2024-01-01T00:00:00+02:00", 1_700_000_000], ["soon", ["a"]]),
    ],
)
def test_declared_attributes_hold_their_kind(kind: str, good: list[Any], bad: list[Any]) -> None:
    for value in [*good, None]:
        assert attributes_fault({kind: value}, DECLARED) is None
    for value in bad:
        assert f"attributes.{kind} is not" in (attributes_fault({kind: value}, DECLARED) or "")


def test_a_vector_has_its_size() -> None:
    assert attributes_fault({"vector": [1]}, DECLARED) == "attributes.vector has 1 numbers, not 2"


def test_undeclared_attributes_are_kept_as_they_are() -> None:
    assert attributes_fault({"colour": {"r": 1}}, DECLARED) is None
    assert attributes_fault({"colour": float("nan")}, DECLARED) is not None


def test_hidden_is_true_or_false() -> None:
    assert attributes_fault({"hidden": True}, {}) is None
    assert attributes_fault({"hidden": "yes"}, {}) == "attributes.hidden is neither true nor false"
