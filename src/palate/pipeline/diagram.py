"""A surface drawn: as Mermaid text, which many tools show as a picture, or as plain lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from palate.pipeline.naming import named
from palate.pipeline.stage import StageSettings
from palate.pipeline.surface import Surface, SurfaceSettings

__all__ = ["mermaid", "plain_text"]

_WIDTH = 12  # of the names of stages in plain text


def mermaid(surface: Surface) -> str:
    """A flowchart in Mermaid's language."""
    settings = surface.settings
    lines = ["flowchart TD", '    request(["request"])']
    if not surface.has_pipeline:
        lines += [_box("model", "model", _model(settings)), "    request --> model"]
        last = "model"
    else:
        lines.append(_box("gather", "candidates", ["each item once"]))
        for at, (name, source) in enumerate(named("sources", settings.sources).items()):
            lines.append(_box(f"source{at}", name.partition(".")[2], _said(source)))
            lines.append(f"    request --> source{at} --> gather")
        last = "gather"
    for at, (name, said) in enumerate(_chain(surface)):
        lines.append(_box(f"stage{at}", name, said))
        lines.append(f"    {last} --> stage{at}")
        last = f"stage{at}"
    lines += [f'    slate(["slate of {surface.k}"])', f"    {last} --> slate"]
    return "\n".join(lines)


def plain_text(surface: Surface) -> str:
    """One stage a line, in the order in which they run."""
    settings = surface.settings
    rows: list[tuple[str, Sequence[str]]] = []
    if not surface.has_pipeline:
        rows.append(("model", _model(settings)))
    for name, source in named("sources", settings.sources).items():
        rows.append(("retrieve", [name.partition(".")[2], *_said(source)]))
    rows += _chain(surface)
    rows.append(("slate", [f"{surface.k} items"]))
    return "\n".join(f"{name:<{_WIDTH}}{'  '.join(said)}".rstrip() for name, said in rows)


def _chain(surface: Surface) -> list[tuple[str, Sequence[str]]]:
    """The stages after retrieval, with what is said of each."""
    settings = surface.settings
    seen = ["seen"] if settings.exclude_seen else []
    rules = [f"{name}: {_short(asked)}" for name, asked in settings.filters.items()]
    blocked = ["blocked"] if surface.has_pipeline else []
    drops = ", ".join(["deleted", "hidden", *blocked, *seen])
    chain: list[tuple[str, Sequence[str]]] = [("filter", [f"drops {drops}", *rules])]
    if not surface.has_pipeline:
        return chain
    chain.insert(0, ("hydrate", ["attributes, vectors"]))
    by = "rank net" if settings.score == "nets" else "places in the sources"
    chain.append(("score", [by, f"at most {settings.ranked}"]))
    if settings.score == "nets":
        worth = [f"{name} x {value:g}" for name, value in settings.worth.items()]
        chain.append(("fuse", worth or ["weights of [events]"]))
    for name, stage in named("rerank", settings.rerank).items():
        chain.append(("rerank", [name.partition(".")[2], *_said(stage)]))
    return chain


def _model(settings: SurfaceSettings) -> list[str]:
    return [f"alias {settings.alias}" if settings.alias else "the service's alias"]


def _said(stage: StageSettings) -> list[str]:
    """What the stage's settings say, those that a reader did not write left out."""
    said: Mapping[str, Any] = stage.model_dump(mode="json", exclude_unset=True, exclude={"kind"})
    return [f"{name} {_short(value)}" for name, value in said.items()]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _box(node: str, name: str, said: Sequence[str]) -> str:
    """A node; what would end its text is written as Mermaid's entities."""
    text = "<br/>".join(_quoted(line) for line in (name, *said))
    return f'    {node}["{text}"]'


def _quoted(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;")
