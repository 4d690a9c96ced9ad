"""`palate train`: fit a model on everything in the log and release it."""

from __future__ import annotations

import getpass
import time
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.layout import ago
from palate.cli.model_options import build_model, parse_sets
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

__all__ = ["app", "train"]

app = command_app()


@app.command()
def train(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="Of the settings, or an installed one: ease.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="Of the release; the model's by default.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; repeatable."),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Let the alias that is served name it.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "trained",
) -> None:
    """Fit MODEL on the whole log, and release it.

    The release gets the next version of its name.
    """
    session = session_of(ctx)
    settings, terminal = session.settings, session.terminal
    workspace = Workspace(settings)
    recommender = build_model(model, settings, parse_sets(sets or []))
    alias = settings.serve.alias if promote else None
    by = getpass.getuser()
    with terminal.progress() as progress, workspace.releases() as releases:
        dataset = workspace.dataset(progress)
        started = time.monotonic()
        recommender.fit(dataset, progress=progress)
        fit_s = time.monotonic() - started
        release = releases.create(
            recommender, name=name or model, dataset=dataset, by=by, reason=reason
        )
        if alias is not None:
            releases.promote(release.ref, alias, by=by, reason=reason)
    terminal.say(f"fitted {model} on {len(dataset):,} events in {ago(fit_s)}")
    terminal.answer(
        {
            "release": release.ref,
            "model": recommender.name,
            "config": recommender.config.model_dump(mode="json"),
            "rows": len(dataset),
            "fit_s": fit_s,
            "alias": alias,
        },
        f"released {release.ref}" + (f"; {alias} names it now" if alias else ""),
    )
    if alias is None:
        terminal.say(f"to serve it: palate release promote {release.ref}")
