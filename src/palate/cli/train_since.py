"""`palate train --since`: a release learns what is new, is judged, and becomes the canary."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from palate.cli.layout import ago
from palate.cli.model_options import config_further, problems
from palate.cli.since import moment_of
from palate.cli.workspace import Workspace
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.cli.session import Session
    from palate.release.further import Further
    from palate.release.registry import Release, Releases
    from palate.release.verdict import GateRule

__all__ = ["Wish", "train_since"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        model: Of the settings, or an installed one.
        since: As `moment_of` reads it.
        base: The release to continue from; None for the one that is served.
        name: Of the release; None for the base's.
        sets: Hyperparameters.
        gate: Fields of `GateRule`.
        hold_out: Share of the new events that judge.
        promote: Whether the alias that is served is to name it too, once it passed.
        reason: For the audit.
    """

    model: str
    since: str
    base: str | None
    name: str | None
    sets: Mapping[str, Any]
    gate: Mapping[str, Any]
    hold_out: float
    promote: bool
    reason: str


def train_since(session: Session, wish: Wish) -> None:
    """Continue, judge, release; a refusal changes nothing and ends with exit code 1.

    Raises:
        Exit: The gate did not let it pass.
        PalateError: There is no such release, its model cannot continue, or the log is at fault.
    """
    from palate import columns as c
    from palate.models.continuing import continuing
    from palate.models.shown import LearnsFromShown
    from palate.release.further import cut_new, ended, go_on

    settings, terminal = session.settings, session.terminal
    workspace, rule = Workspace(settings), _rule(wish.gate)
    with terminal.progress() as progress, workspace.releases() as releases:
        base = releases.load(wish.base or settings.serve.alias)
        config = config_further(wish.model, continuing(base.model), settings, wish.sets)
        last = ended(base)
        dataset = workspace.dataset(progress)
        newest: Any = dataset.interactions[c.TIMESTAMP].max()
        since = moment_of(wish.since, last=last, newest=newest)
        shown = workspace.shown() if isinstance(base.model, LearnsFromShown) else None
        cut = cut_new(dataset, since=since, last=last, share=wish.hold_out, shown=shown)
        if cut is None:
            _say_nothing_new(session, base.ref, f"{max(since, last):%Y-%m-%d %H:%M:%S}")
            return
        started = time.monotonic()
        found = go_on(
            releases,
            base.ref,
            cut,
            dataset,
            since=since,
            config=config,
            rule=rule,
            progress=progress,
        )
        taken_s = time.monotonic() - started
        released = _released(releases, found, wish, settings.serve.alias)
    terminal.say(
        f"continued {base.ref} on {cut.new:,} events after {since:%Y-%m-%d %H:%M:%S} UTC "
        f"and judged it on {cut.held:,} in {ago(taken_s)}"
    )
    _answer(session, found, released, taken_s)


def _released(releases: Releases, found: Further, wish: Wish, served: str) -> Release | None:
    """The release that passed, under its aliases; None where the gate did not let it pass."""
    from palate.release.further import CANARY

    verdict, by = found.verdict, getpass.getuser()
    if not verdict.passed:
        return None
    figure, why = verdict.candidate_metric, f"{wish.reason}; continued from {found.base}"
    release = releases.create(
        found.model,
        name=wish.name or found.base.rpartition(":")[0],
        dataset=found.cut.dataset,
        metrics={} if figure is None else {verdict.rule.metric: figure},
        by=by,
        reason=why,
        continued_from=found.base,
    )
    for alias in (CANARY, served) if wish.promote else (CANARY,):
        releases.promote(release.ref, alias, by=by, reason=f"{why}; {verdict.reason}")
    return release


def _answer(session: Session, found: Further, released: Release | None, taken_s: float) -> None:
    terminal, verdict = session.terminal, found.verdict
    if released is not None:  # the version was the next one at a guess, until it was reserved
        verdict = verdict.model_copy(update={"candidate": released.ref})
    with Workspace(session.settings).releases() as releases:
        aliases = releases.aliases()
    own = [] if released is None else [a for a, ref in aliases.items() if ref == released.ref]
    terminal.answer(
        {
            "release": None if released is None else released.ref,
            "from": found.base,
            "aliases": own,
            "rows": found.cut.new,
            "held": found.cut.held,
            "until": found.cut.until,
            "config": found.model.config.model_dump(mode="json"),
            "fit_s": taken_s,
            "verdict": verdict.model_dump(mode="json"),
        },
        f"{verdict.decision}: {verdict.reason}\n"
        + (
            "nothing was released; every alias names what it named"
            if released is None
            else f"released {released.ref}; named now by {' and '.join(own)}"
        ),
    )
    if released is None:
        raise typer.Exit(1)
    if session.settings.serve.alias not in own:
        terminal.say(f"to serve it: palate release promote {released.ref}")


def _say_nothing_new(session: Session, base: str, after: str) -> None:
    session.terminal.answer(
        {"release": None, "from": base, "aliases": [], "rows": 0, "held": 0},
        f"nothing happened after {after} UTC that {base} does not know; nothing was released",
    )


def _rule(given: Mapping[str, Any]) -> GateRule:
    from pydantic import ValidationError

    from palate.release.verdict import GateRule

    try:
        return GateRule.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(
            f"gate: {problems(error)}", hint=f"it has {', '.join(GateRule.model_fields)}"
        ) from error
