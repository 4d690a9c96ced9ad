"""`palate events tail`: the newest events, and those that come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.layout import when
from palate.cli.session import session_of
from palate.cli.terminal import Terminal
from palate.cli.workspace import Workspace

if TYPE_CHECKING:
    from palate.events.log.base import EventLog, Record

__all__ = ["tail"]

LOOK_S = 0.2  # how often --follow looks
PAGE = 1000


def tail(
    ctx: typer.Context,
    *,
    n: Annotated[int, typer.Option("--n", "-n", min=0, help="How many of the newest.")] = 10,
    event: Annotated[
        list[str] | None, typer.Option(help="Only events of this type; repeatable.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C, as events come.")
    ] = False,
) -> None:
    """Show the newest events, oldest first.

    With --json, one JSON document a line.
    """
    session = session_of(ctx)
    with Workspace(session.settings).log() as log:
        after = log.head()
        _print(session.terminal, _newest(log, after, n, event))
        while follow:
            head = log.head()
            records = log.read(after, limit=PAGE, events=event)
            _print(session.terminal, records)
            last = records[-1].offset if records else 0
            after = last if len(records) == PAGE else max(head, last)  # never looked at twice
            if len(records) < PAGE:
                time.sleep(LOOK_S)


def _newest(log: EventLog, head: int, n: int, types: list[str] | None) -> list[Record]:
    """The `n` newest records up to `head`; looks back in growing steps."""
    span = max(n, 1)
    while n:
        found = log.read(max(0, head - span), limit=span, events=types)
        found = [record for record in found if record.offset <= head]
        if len(found) >= n or span >= head:
            return found[-n:]
        span *= 4
    return []


def _print(terminal: Terminal, records: list[Record]) -> None:
    import msgspec

    for record in records:
        event = record.event
        if terminal.json:
            terminal.line({"offset": record.offset, **msgspec.to_builtins(event)})
            continue
        who = event.user_id or (f"~{event.anonymous_id}" if event.anonymous_id else "")
        value = "" if event.value is None else f"{event.value:g}"
        typer.echo(
            f"{record.offset:>9}  {when(event.timestamp):19}  {event.event:<14} "
            f"{who:<14} {event.item_id or '':<14} {value}".rstrip()
        )
