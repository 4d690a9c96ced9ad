"""`palate train`: fit a model on the log and release it, or let a release learn on."""

from __future__ import annotations

import getpass
import time
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.layout import ago
from palate.cli.model_options import build_model, parse_sets
from palate.cli.session import Session, session_of
from palate.cli.train_since import Wish, train_since
from palate.cli.workspace import Workspace
from palate.errors import ConfigError

__all__ = ["app", "train"]

app = command_app()

HOLD_OUT = 0.2


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
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Continue from a release on what is new: `last` (where it ended), a duration "
            "before the newest event (90m, 2h, 1d), or a time.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REF",
            help="With --since: the release to continue from; by default the one that is served.",
        ),
    ] = None,
    hold_out: Annotated[
        float | None,
        typer.Option(help="With --since: share of the new events, the newest, that judge: 0.2."),
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="With --since: what the gate asks, as in min_users=50; repeatable.",
        ),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Let the alias that is served name it.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "trained",
) -> None:
    """Fit MODEL on the whole log, and release it.

    The release gets the next version of its name.

    With --since, the released model learns on from what is new, beside a sample of what is old,
    and from what was shown and left alone. The newest of the new events judge it against what it
    was; if it passes, it is released and the alias `canary` names it. If not, nothing changes and
    the exit code is 1.
    """
    session = session_of(ctx)
    if since is None:
        given = {"--from": base, "--hold-out": hold_out, "--gate": gate}
        alone = [option for option, value in given.items() if value is not None]
        if alone:
            raise ConfigError(f"{alone[0]} goes with --since", hint="add --since last")
        _train_anew(session, model, name=name, sets=sets or [], promote=promote, reason=reason)
        return
    wish = Wish(
        model=model,
        since=since,
        base=base,
        name=name,
        sets=parse_sets(sets or []),
        gate=parse_sets(gate or [], option="--gate"),
        hold_out=HOLD_OUT if hold_out is None else hold_out,
        promote=promote,
        reason=reason,
    )
    train_since(session, wish)


def _train_anew(
    session: Session, model: str, *, name: str | None, sets: list[str], promote: bool, reason: str
) -> None:
    from palate.models.shown import LearnsFromShown

    settings, terminal = session.settings, session.terminal
    workspace = Workspace(settings)
    recommender = build_model(model, settings, parse_sets(sets))
    alias = settings.serve.alias if promote else None
    by = getpass.getuser()
    with terminal.progress() as progress, workspace.releases() as releases:
        dataset = workspace.dataset(progress)
        if isinstance(recommender, LearnsFromShown):
            recommender.with_shown(workspace.shown())
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
