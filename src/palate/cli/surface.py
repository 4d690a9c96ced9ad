"""`palate surface`: show, check and draw the places that the settings declare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.layout import fields, table
from palate.cli.session import session_of
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.pipeline.surface import Surface

__all__ = ["app", "check", "draw", "show"]

app = command_app("Surfaces: how candidates become a slate, place by place.")

Name = Annotated[str, typer.Argument(help="As in [surfaces.NAME] of the settings.")]


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="As in [surfaces.NAME]; all of them by default.")
    ] = None,
) -> None:
    """Show a surface with all its settings, or a list of all surfaces.

    Each stage comes with the milliseconds that it may take, and what is done instead of it.
    """
    session = session_of(ctx)
    if name is not None:
        surface = _one(session.settings, name)
        session.terminal.answer(_plain(surface), _shown(surface))
        return
    surfaces = _all(session.settings)
    rows = [
        [one.name, one.k, _kinds(one, "sources") or "model", _kinds(one, "rerank") or None]
        for one in surfaces
    ]
    said = table(["surface", "k", "sources", "rerank"], rows) if rows else "no surfaces"
    session.terminal.answer([_plain(one) for one in surfaces], said)


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A settings file; the one in use by default."),
    ] = None,
) -> None:
    """Check every surface of a settings file against its schema."""
    from palate.config import load_settings

    session = session_of(ctx)
    surfaces = _all(session.settings if file is None else load_settings(file))
    rows = [f"{one.name}: {_kinds(one, 'sources') or 'model'}{_time(one)}" for one in surfaces]
    session.terminal.answer(
        {"surfaces": [one.name for one in surfaces]},
        "\n".join(rows) if rows else "no surfaces",
    )
    session.terminal.say("all is well")


@app.command()
def draw(
    ctx: typer.Context,
    name: Name,
    *,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="A flowchart in Mermaid's language.")
    ] = False,
) -> None:
    """Draw a surface, one stage a line."""
    from palate.pipeline import diagram

    session = session_of(ctx)
    surface = _one(session.settings, name)
    drawn = diagram.mermaid(surface) if mermaid else diagram.plain_text(surface)
    session.terminal.answer({"surface": name, "drawing": drawn}, drawn)


def _all(settings: Settings) -> list[Surface]:
    from palate.pipeline.check import read_surfaces

    return list(read_surfaces(settings).values())


def _one(settings: Settings, name: str) -> Surface:
    surfaces = {surface.name: surface for surface in _all(settings)}
    if name not in surfaces:
        known = ", ".join(sorted(surfaces)) or "the settings declare none"
        raise ConfigError(f"no surface is called {name!r}", hint=f"declared: {known}")
    return surfaces[name]


def _plain(surface: Surface) -> dict[str, Any]:
    settings = surface.settings.model_dump(mode="json")
    return {"name": surface.name, **settings, "stages": _stages(surface)}


def _stages(surface: Surface) -> list[dict[str, Any]]:
    """What each stage may take, and what is done instead of it; none where a model answers."""
    from palate.pipeline.budget import fallback_of

    if not surface.has_pipeline:
        return []
    return [
        {"stage": name, "budget_ms": ms, "fallback": fallback_of(name)}
        for name, ms in surface.settings.budgets().items()
    ]


def _time(surface: Surface) -> str:
    """The milliseconds of a request, and of the stages that have others."""
    if not surface.has_pipeline:
        return ""
    settings = surface.settings
    whole = settings.budget_ms
    others = [f"{name} {ms:g}" for name, ms in settings.budgets().items() if ms != whole]
    return "; ".join(["", f"{whole:g} ms", *([", ".join(others)] if others else [])])


def _shown(surface: Surface) -> str:
    """Settings as lines; a list of stages has one line for each of them."""
    said: list[tuple[str, object]] = []
    for key, value in _plain(surface).items():
        stages = value if isinstance(value, list) and value and isinstance(value[0], dict) else None
        if stages is None:
            said.append((key, _worded(value)))
        else:
            said += [(key if at == 0 else "", _line(one)) for at, one in enumerate(stages)]
    return fields(said)


def _line(stage: dict[str, Any]) -> object:
    if "stage" not in stage:
        return _worded(stage)
    return f"{stage['stage']}, {stage['budget_ms']:g} ms, else {stage['fallback']}"


def _worded(value: Any) -> object:
    if isinstance(value, dict):
        rest = {key: one for key, one in value.items() if key != "kind"}
        known = [f"{k} {_worded(v)}" for k, v in rest.items() if v not in (None, {}, [])]
        return ", ".join([value["kind"], *known] if "kind" in value else known) or None
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    if isinstance(value, float):
        return f"{value:g}"
    return "yes" if value is True else "no" if value is False else value


def _kinds(surface: Surface, part: str) -> str:
    return ", ".join(stage.kind for stage in getattr(surface.settings, part))
