"""`palate events replay`: the log again from an offset or a time, or a consumer group set back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.session import session_of
from palate.cli.workspace import Workspace
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.events.log.sqlite import SqliteEventLog

__all__ = ["replay"]

PAGE = 10_000


def replay(
    ctx: typer.Context,
    *,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="First offset, or a time (ISO 8601, UTC without a zone) of receipt."
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last offset, or a time; the newest by default.")
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option(help="Only events of this type; repeatable.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Begin after what this consumer group is done with.")
    ] = None,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Print nothing: let --group begin again at --from."),
    ] = False,
) -> None:
    """Print events as JSON Lines, oldest first, from an offset or a time on.

    The times are those of receipt, which grow with the offsets. With --reset nothing is printed:
    the consumer group gets everything from there on once more.
    """
    session = session_of(ctx)
    with Workspace(session.settings).log() as log:
        if reset:
            if group is None or start is None:
                raise ConfigError(
                    "--reset needs --group and --from",
                    hint="palate events replay --group NAME --from 1 --reset",
                )
            after = _after(log, start)
            before = log.committed(group)
            log.rewind(group, after)
            session.terminal.answer(
                {"group": group, "before": before, "committed": after},
                f"{group} begins again at offset {after + 1} (it had read up to {before})",
            )
            return
        if start is None and group is None:
            raise ConfigError(
                "say where to begin: --from or --group", hint="palate events replay --from 1"
            )
        after = log.committed(group or "") if start is None else _after(log, start)
        _print(log, after, _upto(log, end), event)


def _print(log: SqliteEventLog, after: int, upto: int, types: list[str] | None) -> None:
    import msgspec

    while after < upto:
        records = log.read(after, limit=PAGE, events=types)
        for record in records:
            if record.offset > upto:
                return
            line = {"offset": record.offset, **msgspec.to_builtins(record.event)}
            typer.echo(msgspec.json.encode(line))
        if len(records) < PAGE:
            return
        after = records[-1].offset


def _after(log: SqliteEventLog, start: str) -> int:
    """The offset before the first one that is wanted."""
    return int(start) - 1 if start.isdecimal() else log.offset_before(_time_us(start))


def _upto(log: SqliteEventLog, end: str | None) -> int:
    """The last offset that is wanted."""
    if end is None:
        return log.head()
    return int(end) if end.isdecimal() else log.offset_before(_time_us(end))


def _time_us(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is neither an offset nor a time",
            hint="such as 1200, 2026-01-31 or 2026-01-31T12:00:00",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)
