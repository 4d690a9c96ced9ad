"""`palate evaluate`: judge one model, or a release on what happened after its data."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.judging import HtmlFile, K, MarkdownFile, Seed, Split, TestRatio, show
from palate.cli.judging import protocol_flags as flags
from palate.cli.layout import table
from palate.cli.model_options import build_model, parse_sets
from palate.cli.session import Session, session_of
from palate.cli.workspace import Workspace
from palate.errors import ConfigError, DataError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.data.dataset import Dataset
    from palate.evaluate.judgement import Judgement
    from palate.evaluate.protocol import Protocol
    from palate.release.bundle import LoadedRelease

__all__ = ["app", "evaluate"]

app = command_app()


@app.command()
def evaluate(
    ctx: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="MODEL|RELEASE", help="ease, or ease:3, or stable.")
    ],
    *,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; repeatable."),
    ] = None,
    split: Split = None,
    test_ratio: TestRatio = None,
    k: K = None,
    seed: Seed = None,
    markdown: MarkdownFile = None,
    html: HtmlFile = None,
) -> None:
    """Judge one MODEL, or a RELEASE on later events.

    A MODEL is fitted on a training part and judged on the rest, as the protocol says. A
    RELEASE is not fitted again: it is judged on what happened after the data it learned from.
    """
    session = session_of(ctx)
    settings = session.settings_with(flags(split, test_ratio, k, seed))
    if not _is_model(what, settings):
        if sets or markdown is not None or html is not None or split is not None:
            raise ConfigError(
                f"{what} is a release: its model and split are given",
                hint="--set, --split, --markdown and --html are for models",
            )
        _evaluate_release(session, settings, what)
        return
    model = build_model(what, settings, parse_sets(sets or []))
    from palate.evaluate.compare import compare
    from palate.evaluate.protocol import Protocol

    workspace = Workspace(settings)
    with session.terminal.progress() as progress:
        dataset = workspace.dataset(progress)
        protocol = Protocol.from_settings(settings.evaluate)
        comparison = compare({what: model}, dataset, protocol, progress=progress)
    workspace.record(comparison)
    show(session.terminal, comparison, markdown=markdown, html=html)
    comparison.best  # noqa: B018 - raises where the model failed, which is this command's failure


def _is_model(what: str, settings: Settings) -> bool:
    from palate.plugins import model_names

    return what in settings.models or what in model_names()


def _evaluate_release(session: Session, settings: Settings, ref: str) -> None:
    from palate.data.split import Split
    from palate.evaluate.compare import compare
    from palate.evaluate.protocol import Protocol

    workspace = Workspace(settings)
    with workspace.releases() as releases:
        release = releases.load(ref)
    protocol = Protocol(split=None, k=settings.evaluate.k, seed=settings.evaluate.seed)
    with session.terminal.progress() as progress:
        dataset = workspace.dataset(progress)
        end = _end(release)
        train, test = _cut(dataset, end, release.ref)
        later = Split(train, test)
        comparison = compare({release.ref: release.model}, later, protocol, refit=False)
    workspace.record(comparison)
    judgement = comparison.best.judgement
    assert judgement is not None  # `best` raises where the model failed
    session.terminal.say(
        f"{release.ref}: {len(test):,} events after {end:%Y-%m-%d %H:%M}, "
        f"{len(judgement.users):,} users"
    )
    _show_judgement(session, release.ref, judgement, protocol)


def _end(release: LoadedRelease) -> datetime:
    end = release.manifest.data.window_to
    if end is None:
        raise DataError(
            f"{release.ref} learned from events without times: nothing can be told to be later",
            hint=f"palate evaluate {release.manifest.model} judges the model on a split",
        )
    return end


def _cut(dataset: Dataset, end: datetime, ref: str) -> tuple[Dataset, Dataset]:
    import polars as pl

    from palate import columns as c

    late = (pl.col(c.TIMESTAMP) > end).fill_null(value=False)
    later = dataset.interactions.filter(late)
    if later.is_empty():
        raise DataError(
            f"nothing happened after {end:%Y-%m-%d %H:%M}, where the data of {ref} end",
            hint=f"palate evaluate {ref.partition(':')[0]} judges the model on a split; "
            "or import newer events",
        )
    earlier = dataset.interactions.filter(~late)
    return dataset.with_interactions(earlier), dataset.with_interactions(later)


def _show_judgement(session: Session, ref: str, judgement: Judgement, protocol: Protocol) -> None:
    intervals = {
        protocol.label(name) if name in protocol.metrics else name: interval
        for name, interval in judgement.intervals.items()
    }
    session.terminal.answer(
        {
            "release": ref,
            "users": len(judgement.users),
            "metrics": {
                name: {"estimate": i.estimate, "low": i.low, "high": i.high, "level": i.level}
                for name, i in judgement.intervals.items()
            },
            "figures": dict(judgement.figures),
        },
        table(
            ["metric", "mean", "low", "high"],
            [[name, i.estimate, i.low, i.high] for name, i in intervals.items()],
        ),
    )
