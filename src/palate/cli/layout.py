"""Aligned plain text: tables and lists of names with values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["ago", "fields", "number", "table", "when"]

GAP = "  "
SMALL = 1e-3


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, widest: int = 44) -> str:
    """Rows under headers; columns of numbers stand to the right, long text is cut.

    Args:
        headers: One a column.
        rows: Cells; None shows as `-`.
        widest: No column is wider, in characters.
    """
    cells = [[_cell(value, widest) for value in row] for row in rows]
    widths = [
        max([len(header), *(len(row[i]) for row in cells)]) for i, header in enumerate(headers)
    ]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(headers))
    ]
    lines = [_line(list(headers), widths, right)]
    lines += [_line(row, widths, right) for row in cells]
    return "\n".join(lines)


def fields(pairs: Sequence[tuple[str, object]]) -> str:
    """One `name  value` a line, the values under each other."""
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name:<{width}}{GAP}{_cell(value, 200)}" for name, value in pairs)


def number(count: int) -> str:
    """`100,000`."""
    return f"{count:,}"


def when(microseconds: int) -> str:
    """`2026-05-01 12:30:05` UTC of microseconds since 1970; `-` for 0 or less."""
    if microseconds <= 0:
        return "-"
    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min`: how long something took."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _cell(value: object, widest: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        # A score far below 1 is no zero.
        return f"{value:.4f}" if value == 0 or abs(value) >= SMALL else f"{value:.2e}"
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    text = " ".join(str(value).split())
    return text if len(text) <= widest else text[: widest - 1] + "…"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if is_right else cell.ljust(width)
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    ]
    return GAP.join(padded).rstrip()
