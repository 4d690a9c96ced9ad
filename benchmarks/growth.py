"""The growth of cost with rows as a table and as a picture (SVG), from the accepted records."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

from record import Record, number

__all__ = ["GROWTH", "by_rows", "picture", "table"]

GROWTH = "speed-factorisation_growth"
NAME = re.compile(r"(?P<name>.+)/(?P<rows>[\d,]+) rows")
COLOURS = {"als": "#0072b2", "bpr": "#d55e00", "svd": "#009e73"}  # by first word
OTHER = "#8e44ad"
WIDTH, HEIGHT = 400, 300  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 34, 28  # around its plot
Points = dict[int, float]


def by_rows(records: Sequence[Record]) -> dict[str, Points]:
    """Figures by name, then by rows; records of another form are left out."""
    found: dict[str, Points] = {}
    for record in records:
        match = NAME.fullmatch(record.name)
        if match:
            rows = int(match["rows"].replace(",", ""))
            found.setdefault(match["name"], {})[rows] = record.value
    return found


def table(records: Sequence[Record]) -> list[str]:
    """Lines of markdown: a row for each number of rows, the exponents below."""
    figures = by_rows(records)
    units = {r.name.rpartition("/")[0]: r.unit for r in records if r.unit}
    heads = [f"{name}, {units[name]}" for name in figures]
    lines = [f"| rows | {' | '.join(heads)} |", "|---:" * (len(heads) + 1) + "|"]
    for rows in sorted({rows for points in figures.values() for rows in points}):
        cells = (number(points[rows]) for points in figures.values())
        lines.append(f"| {rows:,} | {' | '.join(cells)} |")
    exponents = {r.name.rpartition("/")[0]: r for r in records if r.name.endswith("/exponent")}
    cells = (_exponent(exponents.get(name)) for name in figures)
    return [*lines, f"| *exponent* | {' | '.join(cells)} |"]


def _exponent(record: Record | None) -> str:
    if record is None:
        return ""
    return f"{record.value:.2f}" + ("" if record.met is not False else " **missed**")


def picture(records: Sequence[Record]) -> str:
    """Two panels side by side, both axes logarithmic: seconds, and the peak of memory."""
    figures = by_rows(records)
    memory = {n.removesuffix(" memory"): p for n, p in figures.items() if n.endswith("memory")}
    seconds = {n: p for n, p in figures.items() if not n.endswith("memory")}
    size = f'width="{2 * WIDTH}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH} {HEIGHT}"'
    font = 'font-family="sans-serif" font-size="11" fill="#222"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *_panel("processor seconds, by rows", seconds, 0),
            *_panel("peak memory of the process in MiB, by rows", memory, WIDTH),
            "</svg>",
            "",
        ]
    )


def _panel(title: str, lines: dict[str, Points], shift: int) -> list[str]:
    """One plot with its axes, a grid of powers of ten, and a legend."""
    sizes = [rows for points in lines.values() for rows in points]
    across = math.log10(min(sizes)), math.log10(max(sizes))
    values = [value for points in lines.values() for value in points.values()]
    up = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(rows: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * _share(rows, across)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(value, up)

    drawn = [f'<g transform="translate({shift},0)">', _text(LEFT, 18, title, "start")]
    for power in range(math.ceil(across[0]), math.floor(across[1]) + 1):
        at = x(10.0**power)
        drawn.append(_line(at, TOP, at, HEIGHT - BOTTOM))
        drawn.append(_text(at, HEIGHT - BOTTOM + 16, f"{10**power:,}", "middle"))
    for power in range(up[0], up[1] + 1):
        at = y(10.0**power)
        drawn.append(_line(LEFT, at, WIDTH - RIGHT, at))
        drawn.append(_text(LEFT - 6, at + 4, f"{10.0**power:,g}", "end"))
    for order, (name, points) in enumerate(lines.items()):
        colour = COLOURS.get(name.split()[0], OTHER)
        at = " ".join(f"{x(rows):.1f},{y(value):.1f}" for rows, value in sorted(points.items()))
        drawn.append(f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [
            f'<circle cx="{x(rows):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>'
            for rows, value in sorted(points.items())
        ]
        above = TOP + 14 + 15 * order
        place = f'x="{LEFT + 8}" y="{above - 8}"'
        drawn.append(f'<rect {place} width="10" height="10" fill="{colour}"/>')
        drawn.append(_text(LEFT + 23, above + 1, name, "start"))
    return [*drawn, "</g>"]


def _share(value: float, span: tuple[float, float]) -> float:
    """How far along the axis, from 0 to 1; `span` are the logarithms of its ends."""
    return (math.log10(value) - span[0]) / (span[1] - span[0] or 1)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
