"""`palate events post`: append events by hand or from JSON Lines, with a verdict for each."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.layout import table
from palate.cli.session import session_of
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.config import Settings

__all__ = ["post"]


_SOURCE = "palate events post"


def post(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="JSON Lines, an event each; - reads them from stdin.")
    ] = None,
    *,
    event: Annotated[str | None, typer.Option(help="One event: its type.")] = None,
    user: Annotated[str | None, typer.Option(help="One event: who.")] = None,
    item: Annotated[str | None, typer.Option(help="One event: about what.")] = None,
    value: Annotated[float | None, typer.Option(help="One event: a rating, a price.")] = None,
) -> None:
    """Append events from FILE, or one from options.

    Each gets a verdict; the exit code is 1 if one is invalid. A running service sees them at
    once. Reserved types, such as item.upserted, are taken.
    """
    session = session_of(ctx)
    one = {"event": event, "user_id": user, "item_id": item, "value": value}
    given = {name: part for name, part in one.items() if part is not None}
    if (file is None) == (event is None):
        raise ConfigError(
            "name a file of events, or one event with --event",
            hint="palate events post --event click --user u1 --item i1",
        )
    lines = [json.dumps(given).encode()] if file is None else _lines(file)
    results = _append(session.settings, lines)
    session.terminal.answer(
        [dict(zip(("verdict", "event_id", "reason"), result, strict=True)) for result in results],
        table(["verdict", "event_id", "reason"], results, widest=70),
    )
    if any(verdict == "invalid" for verdict, _, _ in results):
        raise typer.Exit(1)


def _lines(file: Path) -> list[bytes]:
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    return [line for line in raw.splitlines() if line.strip()]


def _append(settings: Settings, lines: list[bytes]) -> list[tuple[str, str | None, str | None]]:
    """Verdict, event id and reason of each line; one bad line never sinks the others."""
    from palate.events.dead_letters import DeadLetter
    from palate.events.identity import now_us
    from palate.events.schema import Event
    from palate.events.validate import validate
    from palate.serve.remote import open_ingest_or_writer

    at_us = now_us()
    judged = [validate(line, settings.schema_, at_us, allow_reserved=True) for line in lines]
    good = [event for event in judged if isinstance(event, Event)]
    with closing(open_ingest_or_writer(settings)) as appender:
        appended = iter(appender.append(good) if good else [])
        bad = zip(lines, judged, strict=True)
        refused = [DeadLetter(raw, why, at_us, _SOURCE) for raw, why in bad if isinstance(why, str)]
        if refused:
            appender.refuse(refused)
    return [
        (next(appended).verdict.value, one.event_id, None)
        if isinstance(one, Event)
        else ("invalid", None, one)
        for one in judged
    ]
