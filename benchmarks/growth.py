"""The growth of cost with rows as a table and as a picture (SVG), from the accepted records."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from record import Record, number

__all__ = ["GROWTHS", "Growth", "by_rows", "picture", "table"]


@dataclass(frozen=True)
class Growth:
    """How the records of one file are drawn.

    Attributes:
        picture: The file's name, in `docs`.
        said: What it shows, for those who cannot see it.
        panels: The title of each panel by the unit of its figures, from left to right; what has
            another unit is in the table alone.
    """

    picture: str
    said: str
    panels: Mapping[str, str]


GROWTHS = {
    "speed-factorisation_growth": Growth(
        "growth.svg",
        "Processor seconds and memory by rows, both axes logarithmic",
        {
            "s": "processor seconds, by rows",
            "MiB": "peak memory of the process in MiB, by rows",
        },
    ),
    "speed-index_growth": Growth(
        "index-growth.svg",
        "Milliseconds of a search, seconds of a build and memory by items, all axes logarithmic",
        {
            "ms": "milliseconds of a search, by items",
            "s": "processor seconds of a build, by items",
            "MiB": "memory of the index in MiB, by items",
        },
    ),
}
NAME = re.compile(r"(?P<name>.+)/(?P<rows>[\d,]+) (?P<what>rows|items)")
COLOURS = {  # by name or its first word
    "als": "#0072b2",
    "bpr": "#d55e00",
    "svd": "#009e73",
    "search p50": "#0072b2",
    "search p99": "#d55e00",
}
OTHER = "#8e44ad"
WIDTH, HEIGHT = 400, 300  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 34, 28  # around its plot
Points = dict[int, float]


def by_rows(records: Sequence[Record]) -> dict[str, Points]:
    """Figures by name, then by rows or items; records of another form are left out."""
    found: dict[str, Points] = {}
    for record in records:
        match = NAME.fullmatch(record.name)
        if match:
            rows = int(match["rows"].replace(",", ""))
            found.setdefault(match["name"], {})[rows] = record.value
    return found


def table(records: Sequence[Record]) -> list[str]:
    """Lines of markdown: a row for each number of rows or items, the exponents below."""
    figures = by_rows(records)
    matches = [(NAME.fullmatch(record.name), record.unit) for record in records]
    units = {match["name"]: unit for match, unit in matches if match}
    what = next(match["what"] for match, _ in matches if match)
    heads = [f"{name}, {units[name]}" if units[name] else name for name in figures]
    lines = [f"| {what} | {' | '.join(heads)} |", "|---:" * (len(heads) + 1) + "|"]
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


def picture(records: Sequence[Record], growth: Growth) -> str:
    """Panels side by side, one for each unit, both axes logarithmic."""
    drawn = {
        title: {
            name.removesuffix(" memory"): points
            for name, points in by_rows([r for r in records if r.unit == unit]).items()
        }
        for unit, title in growth.panels.items()
    }
    width = len(drawn) * WIDTH
    size = f'width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}"'
    font = 'font-family="sans-serif" font-size="11" fill="#222"'
    panels = [
        _panel(title, lines, WIDTH * place) for place, (title, lines) in enumerate(drawn.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *(line for panel in panels for line in panel),
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
        colour = COLOURS.get(name) or COLOURS.get(name.split()[0], OTHER)
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
