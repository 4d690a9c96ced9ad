"""A surface drawn: as Mermaid text, which many tools show as a picture, or as plain lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from palate.pipeline.naming import EXPLORE, named
from palate.pipeline.stage import StageSettings
from palate.pipeline.surface import Surface, SurfaceSettings

__all__ = ["mermaid", "plain_text"]

_WIDTH = 12  # of the names of stages in plain text


class Row(NamedTuple):
    """A stage, what is said of it, and the milliseconds that it may take; None: as it takes."""

    name: str
    said: Sequence[str]
    ms: float | None = None


def mermaid(surface: Surface) -> str:
    """A flowchart in Mermaid's language."""
    lines = ["flowchart TD", '    request(["request"])']
    last = "request"
    if surface.has_pipeline:
        last = _strung(lines, last, "before", _before(surface.settings))
        lines.append('    gather["candidates<br/>each item once"]')
        for at, (_, said, ms) in enumerate(_retrieval(surface.settings)):
            lines.append(_box(f"source{at}", Row(said[0], said[1:], ms)))
            lines.append(f"    {last} --> source{at} --> gather")
        last = "gather"
    last = _strung(lines, last, "stage", _chain(surface))
    lines += [f'    slate(["slate of {surface.k}"])', f"    {last} --> slate"]
    return "\n".join(lines)


def plain_text(surface: Surface) -> str:
    """One stage a line with its milliseconds, in the order in which they run."""
    settings = surface.settings
    items = [f"{surface.k} items"]
    if not surface.has_pipeline:
        return _lines([*_chain(surface), Row("slate", items)])
    before, retrieval = _before(settings), _retrieval(settings)
    slate = Row("slate", items, settings.budget_ms)
    return _lines([*before, *retrieval, *_chain(surface), slate])


def _lines(rows: Sequence[Row]) -> str:
    widest = max(len(_ms(row.ms)) for row in rows)
    beside = widest + 2 if widest else 0
    return "\n".join(
        f"{name:<{_WIDTH}}{_ms(ms):<{beside}}{'  '.join(said)}".rstrip() for name, said, ms in rows
    )


def _ms(ms: float | None) -> str:
    return "" if ms is None else f"{ms:g} ms"


def _strung(lines: list[str], last: str, part: str, rows: Sequence[Row]) -> str:
    """Draw one stage after the other; the node of the last."""
    for at, row in enumerate(rows):
        lines += [_box(f"{part}{at}", row), f"    {last} --> {part}{at}"]
        last = f"{part}{at}"
    return last


def _before(settings: SurfaceSettings) -> list[Row]:
    """What is read of the person."""
    budgets = settings.budgets()
    said = {"person": "who asks", "recent": "their last items", "user": "their embedding"}
    return [Row(name, [what], budgets[name]) for name, what in said.items()]


def _retrieval(settings: SurfaceSettings) -> list[Row]:
    """The sources, and the lists that are asked while they leave the slate short."""
    budgets = settings.budgets()
    rows = [
        Row("retrieve", [name.partition(".")[2], *_said(source)], budgets[name])
        for name, source in named("sources", settings.sources).items()
    ]
    for kind in settings.fallback:
        rows.append(Row("fallback", [kind], budgets[f"fallback.{kind}"]))
    return rows


def _chain(surface: Surface) -> list[Row]:
    """The stages after retrieval, with what is said of each."""
    settings = surface.settings
    seen = ["seen"] if settings.exclude_seen else []
    rules = [f"{name}: {_short(asked)}" for name, asked in settings.filters.items()]
    blocked = ["blocked"] if surface.has_pipeline else []
    drops = ", ".join(["deleted", "hidden", *blocked, *seen])
    dropping = [f"drops {drops}", *rules]
    if not surface.has_pipeline:
        return [Row("model", _model(settings)), Row("filter", dropping)]
    budgets = settings.budgets()
    rerank = {
        name: Row("rerank", [name.partition(".")[2], *_said(stage)], budgets[name])
        for name, stage in named("rerank", settings.rerank).items()
    }
    last = [rerank.pop(EXPLORE)] if EXPLORE in rerank else []
    chain = [("hydrate", ["attributes"]), ("filter", dropping), *_scoring(settings)]
    return [
        *(Row(name, said, budgets[name]) for name, said in chain),
        *rerank.values(),
        Row("verify", ["the store has the last word"], budgets["verify"]),
        *last,
    ]


def _scoring(settings: SurfaceSettings) -> list[tuple[str, list[str]]]:
    """What becomes of candidates that may be shown, until each has one number."""
    most = f"at most {settings.ranked}"
    vectors = ("vectors", ["from the index, where no source brought them"])
    if settings.score == "sources":
        reads = any("index" in stage.needs for stage in settings.rerank)
        return [*([vectors] if reads else []), ("fuse", ["places in the sources", most])]
    worth = [f"{name} x {value:g}" for name, value in settings.worth.items()]
    return [
        vectors,
        ("features", ["of the request"]),
        ("score", ["rank net", most]),
        ("fuse", worth or ["weights of [events]"]),
    ]


def _model(settings: SurfaceSettings) -> list[str]:
    return [f"alias {settings.alias}" if settings.alias else "the service's alias"]


def _said(stage: StageSettings) -> list[str]:
    """What the stage's settings say, those that a reader did not write left out."""
    hidden = {"kind", "budget_ms"}
    said: Mapping[str, Any] = stage.model_dump(mode="json", exclude_unset=True, exclude=hidden)
    return [f"{name} {_short(value)}" for name, value in said.items()]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _box(node: str, row: Row) -> str:
    """A node; what would end its text is written as Mermaid's entities."""
    lines = [row.name, *row.said, *([] if row.ms is None else [_ms(row.ms)])]
    return f'    {node}["{"<br/>".join(_quoted(line) for line in lines)}"]'


def _quoted(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;")
