"""What one check of `palate doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "fail", "ok", "warn"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer.

    Attributes:
        level: `fail` means that something will not work, `warn` that it may work badly.
        check: What was looked at.
        found: What is so.
        hint: What to type; None where all is well.
    """

    level: Literal["ok", "warn", "fail"]
    check: str
    found: str
    hint: str | None = None


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding("ok", check, found)


def warn(check: str, found: str, *, hint: str) -> Finding:
    """It may work badly."""
    return Finding("warn", check, found, hint)


def fail(check: str, found: str, *, hint: str) -> Finding:
    """It will not work."""
    return Finding("fail", check, found, hint)
