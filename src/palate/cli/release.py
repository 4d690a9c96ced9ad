"""`palate release`: list, show, promote, roll back, audit and judge releases."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.layout import fields, table
from palate.cli.session import session_of
from palate.cli.workspace import Workspace
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.release.manifest import Manifest

__all__ = ["app", "audit", "gate", "list_", "promote", "rollback", "show"]

app = command_app("Releases: what was trained, what is served, and who decided it.")

Ref = Annotated[str, typer.Argument(help="An alias (stable), NAME:VERSION, or a name's newest.")]
Alias = Annotated[str, typer.Option(help="The alias to move.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List all releases, newest first."""
    session = session_of(ctx)
    with Workspace(session.settings).releases() as releases:
        aliases = _names_of(releases.aliases())
        found = [release.manifest for release in releases.list()]
    found.sort(key=lambda manifest: manifest.created_at, reverse=True)
    rows = [
        [m.ref, m.model, ", ".join(aliases.get(m.ref, [])), f"{m.created_at:%Y-%m-%d %H:%M}",
         m.data.rows, *_first_metric(m)]
        for m in found
    ]  # fmt: skip
    session.terminal.answer(
        [{**_summary(m), "aliases": aliases.get(m.ref, [])} for m in found],
        table(["release", "model", "aliases", "created (UTC)", "rows", "metric", "value"], rows)
        if rows
        else "no releases yet; palate train MODEL makes one",
    )


@app.command()
def show(ctx: typer.Context, ref: Ref) -> None:
    """Show one release: its model, data, figures and files."""
    session = session_of(ctx)
    with Workspace(session.settings).releases() as releases:
        manifest = releases.resolve(ref).manifest
        aliases = _names_of(releases.aliases()).get(manifest.ref, [])
    data = manifest.data
    pairs: list[tuple[str, object]] = [
        ("release", manifest.ref),
        ("aliases", ", ".join(aliases) or "-"),
        ("model", manifest.model),
        *((f"  {name}", value) for name, value in manifest.config.items()),
        ("continued from", manifest.continued_from),
        ("created", f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("palate", manifest.code_version),
        ("data", f"{data.name}: {data.rows:,} events, {data.users:,} users, {data.items:,} items"),
        ("window", _window(manifest)),
        *((f"  {name}", _with_interval(metric)) for name, metric in manifest.metrics.items()),
        ("files", ", ".join(f"{n} ({f.size_bytes:,} B)" for n, f in manifest.files.items())),
    ]  # fmt: skip
    session.terminal.answer(
        {**manifest.model_dump(mode="json"), "ref": manifest.ref, "aliases": aliases},
        fields(pairs),
    )


@app.command()
def promote(
    ctx: typer.Context,
    ref: Ref,
    *,
    alias: Alias = "stable",
    reason: Reason = "promoted on the command line",
) -> None:
    """Let an alias name this release.

    A running service follows within a second.
    """
    session = session_of(ctx)
    with Workspace(session.settings).releases() as releases:
        release = releases.promote(ref, alias, by=getpass.getuser(), reason=reason)
    session.terminal.answer(
        {"alias": alias, "release": release.ref}, f"{alias} is now {release.ref}"
    )


@app.command()
def rollback(
    ctx: typer.Context,
    *,
    alias: Alias = "stable",
    reason: Reason = "rolled back on the command line",
) -> None:
    """Let an alias name again what it named before.

    Repeated, it goes further back.
    """
    session = session_of(ctx)
    with Workspace(session.settings).releases() as releases:
        release = releases.rollback(alias, by=getpass.getuser(), reason=reason)
    session.terminal.answer(
        {"alias": alias, "release": release.ref}, f"{alias} is {release.ref} again"
    )


@app.command()
def audit(ctx: typer.Context) -> None:
    """Show who moved what, when and why."""
    session = session_of(ctx)
    with Workspace(session.settings).releases() as releases:
        entries = releases.audit()
    rows = [
        [f"{e.at:%Y-%m-%d %H:%M:%S}", e.who, e.action, e.ref, e.alias, e.previous, e.why]
        for e in entries
    ]
    names = ["at", "who", "action", "ref", "alias", "previous", "why"]
    session.terminal.answer(
        [{**dict(zip(names, row, strict=True)), "at": e.at}
         for row, e in zip(rows, entries, strict=True)],
        table(["at (UTC)", *names[1:]], rows),
    )  # fmt: skip


@app.command()
def gate(
    ctx: typer.Context,
    ref: Ref,
    *,
    alias: Annotated[str, typer.Option(help="What it would replace.")] = "stable",
    metric: Annotated[str, typer.Option(help="A ranking metric with its cut-off.")] = "ndcg@10",
    tolerance: Annotated[
        float, typer.Option(help="Loss that is borne, as a share of the present mean.")
    ] = 0.05,
    better: Annotated[
        bool, typer.Option("--better", help="It must be better, not as good.")
    ] = False,
    min_users: Annotated[int, typer.Option(help="Fewer in the window decide nothing.")] = 100,
) -> None:
    """Judge a release against what is served.

    Both are judged on events that came after the data of both. The exit code is 1 if the
    release fails, or if too little happened to tell. Nothing is promoted.
    """
    from pydantic import ValidationError

    from palate.release.gate import gate as judge
    from palate.release.verdict import GateRule

    session = session_of(ctx)
    workspace = Workspace(session.settings)
    try:
        rule = GateRule(
            metric=metric,
            tolerance=tolerance,
            require="better" if better else "not_worse",
            min_users=min_users,
        )
    except ValidationError as error:
        raise ConfigError(f"gate: {error.errors()[0]['msg']}") from error
    with session.terminal.progress() as progress, workspace.releases() as releases:
        dataset = workspace.dataset(progress)
        verdict = judge(releases, ref, dataset, alias=alias, rule=rule)
    session.terminal.answer(
        verdict.model_dump(mode="json"),
        f"{verdict.decision}: {verdict.candidate}: {verdict.reason}",
    )
    if not verdict.passed:
        raise typer.Exit(1)


def _names_of(aliases: Any) -> dict[str, list[str]]:
    """Release to the aliases that name it."""
    names: dict[str, list[str]] = {}
    for alias, ref in aliases.items():
        names.setdefault(ref, []).append(alias)
    return names


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "release": manifest.ref,
        "model": manifest.model,
        "created_at": manifest.created_at,
        "rows": manifest.data.rows,
        "metrics": {name: metric.estimate for name, metric in manifest.metrics.items()},
    }


def _first_metric(manifest: Manifest) -> tuple[str | None, float | None]:
    for name, metric in manifest.metrics.items():
        return name, metric.estimate
    return None, None


def _with_interval(metric: Any) -> str:
    if metric.low is None or metric.high is None:
        return f"{metric.estimate:.4f}"
    return f"{metric.estimate:.4f}  ({metric.low:.4f} to {metric.high:.4f})"


def _window(manifest: Manifest) -> str:
    first, last = manifest.data.window_from, manifest.data.window_to
    if first is None or last is None:
        return "the events have no times"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
