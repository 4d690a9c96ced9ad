"""Every line of the threat model has a test that is named for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
MODEL = TESTS.parent / "SECURITY.md"


def lines() -> list[str]:
    return re.findall(r"^\| (T\d\d) \|", MODEL.read_text(), re.MULTILINE)


def named() -> set[str]:
    """Ids that a test function is named for: `test_t01_...`."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                match = re.match(r"test_t(\d\d)_", node.name)
                found |= {f"T{match[1]}"} if match else set()
    return found


def test_ids_are_in_order_and_distinct() -> None:
    assert lines() == [f"T{n:02}" for n in range(1, len(lines()) + 1)]
    assert len(lines()) > 20


def test_every_line_has_a_test_and_every_test_a_line() -> None:
    assert named() == set(lines())
