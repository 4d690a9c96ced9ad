"""`palate compare`: several models, one protocol, one table with intervals."""

from __future__ import annotations

from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.judging import HtmlFile, K, MarkdownFile, Seed, Split, TestRatio, show
from palate.cli.judging import protocol_flags as flags
from palate.cli.model_options import MODELS_TO_COMPARE, build_model
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

__all__ = ["app", "compare"]

app = command_app()


@app.command()
def compare(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Of the settings, or installed ones; by default all of Palate's."),
    ] = None,
    *,
    split: Split = None,
    test_ratio: TestRatio = None,
    k: K = None,
    seed: Seed = None,
    markdown: MarkdownFile = None,
    html: HtmlFile = None,
) -> None:
    """Judge MODELS side by side, with intervals.

    All are fitted on one training part of the log's data and judged on one test part; the
    best comes first, and every run is put on record.
    """
    session = session_of(ctx)
    settings = session.settings_with(flags(split, test_ratio, k, seed))
    names = models or list(dict.fromkeys([*MODELS_TO_COMPARE, *settings.models]))
    contestants = {name: build_model(name, settings) for name in names}
    from palate.evaluate.compare import compare as compare_models
    from palate.evaluate.protocol import Protocol

    workspace = Workspace(settings)
    with session.terminal.progress() as progress:
        dataset = workspace.dataset(progress)
        comparison = compare_models(
            contestants, dataset, Protocol.from_settings(settings.evaluate), progress=progress
        )
    workspace.record(comparison)
    show(session.terminal, comparison, markdown=markdown, html=html)
    for row in comparison.rows:
        if row.error is not None:
            session.terminal.warn(f"{row.name} failed: {row.error}")
