"""`palate events dead`: refused events, looked at, repaired, replayed, dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.layout import table, when
from palate.cli.session import session_of
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.events.dead_letters import DeadLetter, DeadLetters

__all__ = ["app"]

PAGE = 1_000
app = command_app("Refused events: list them, repair and replay them, drop them.")


@app.command(name="list")
def list_(
    ctx: typer.Context,
    *,
    after: Annotated[int, typer.Option(min=0, help="Only numbers above this one.")] = 0,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many at most.")] = 100,
) -> None:
    """Show what was refused, oldest first, with the reason.

    With --json the events are whole: write them to a file, repair them there, and hand the file
    to replay.
    """
    session = session_of(ctx)
    with _opened(session.settings) as letters:
        found, totals = letters.read(after, limit=n), letters.totals()
    session.terminal.answer(
        {
            "kept": totals.kept,
            "bytes": totals.bytes,
            "lost": totals.lost,
            "letters": [_document(letter) for letter in found],
        },
        table(
            ["number", "received (UTC)", "source", "reason", "event"],
            [
                [one.number, when(one.received_at), one.source, one.reason, _text(one.raw)]
                for one in found
            ],
            widest=60,
        ),
    )


@app.command()
def replay(
    ctx: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(help="Which; see list.")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(help='Repaired ones: JSON Lines of {"number": ..., "event": {...}}.'),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=JSON", help="Give each this field; repeatable."),
    ] = None,
    allow_reserved: Annotated[
        bool, typer.Option("--allow-reserved", help="Take item.* and user.* too.")
    ] = False,
) -> None:
    """Post refused events once more, repaired or after the settings were; each gets a verdict.

    Those that the log takes (or has) are letters no more. The exit code is 1 if one is still
    refused. An event without a time happened when it was first received.
    """
    session = session_of(ctx)
    if sum([bool(numbers), all_, file is not None]) != 1:
        raise ConfigError(
            "say which: numbers, --all or --file", hint="palate events dead replay --all"
        )
    changes = _changes(set_ or [])
    with _opened(session.settings) as letters:
        if file is not None:
            chosen = _repaired(letters, file)
        else:
            chosen = [(one, one.raw) for one in _chosen(letters, numbers)]
    repaired = [(one, _with(raw, changes)) for one, raw in chosen]
    results = _replay(session.settings, repaired, allow_reserved=allow_reserved)
    columns = ("number", "verdict", "event_id", "reason")
    session.terminal.answer(
        [dict(zip(columns, result, strict=True)) for result in results],
        table(list(columns), results, widest=70),
    )
    if any(verdict == "invalid" for _, verdict, _, _ in results):
        raise typer.Exit(1)


@app.command()
def drop(
    ctx: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(help="Which; see list.")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Forget refused events for good."""
    from palate.serve.remote import open_ingest_or_writer

    session = session_of(ctx)
    if bool(numbers) == all_:
        raise ConfigError("say which: numbers or --all", hint="palate events dead drop --all")
    with _opened(session.settings) as letters:
        chosen = [one.number for one in _chosen(letters, numbers)]
    with closing(open_ingest_or_writer(session.settings)) as appender:
        appender.settle(chosen)
    session.terminal.answer({"dropped": chosen}, f"{len(chosen):,} dropped")


@contextmanager
def _opened(settings: Settings) -> Iterator[DeadLetters]:
    from palate.features.ingest import open_dead_letters

    with open_dead_letters(settings.home, settings, read_only=True) as letters:
        yield letters


def _chosen(letters: DeadLetters, numbers: list[int] | None) -> list[DeadLetter]:
    if numbers:
        found = letters.find(numbers)
        missing = sorted(set(numbers) - {one.number for one in found})
        if missing:
            raise ConfigError(
                f"there is no dead letter {missing[0]}", hint="palate events dead list"
            )
        return found
    found = []
    while page := letters.read(found[-1].number if found else 0, limit=PAGE):
        found += page
    return found


def _repaired(letters: DeadLetters, file: Path) -> list[tuple[DeadLetter, bytes]]:
    events: dict[int, bytes] = {}
    for at, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
                events[int(row["number"])] = json.dumps(row["event"]).encode()
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(
                    f'{file}, line {at}: not {{"number": ..., "event": {{...}}}}'
                ) from error
    return [(one, events[one.number]) for one in _chosen(letters, list(events) or None)]


def _changes(pairs: list[str]) -> dict[str, Any]:
    changes = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}: not FIELD=JSON", hint="--set value=3.5")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value  # plain text need not be quoted twice
    return changes


def _with(raw: bytes, changes: dict[str, Any]) -> bytes:
    """The event with `changes`; as it is where it is no object that could take any."""
    if not changes:
        return raw
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return json.dumps({**event, **changes}).encode() if isinstance(event, dict) else raw


def _replay(
    settings: Settings, chosen: list[tuple[DeadLetter, bytes]], *, allow_reserved: bool
) -> list[tuple[int, str, str | None, str | None]]:
    """Number, verdict, event id and reason of each."""
    import msgspec

    from palate.events.schema import Event
    from palate.events.validate import validate
    from palate.serve.remote import open_ingest_or_writer
    from palate.types import Verdict

    schema = settings.schema_
    judged: list[tuple[DeadLetter, Event | str]] = []
    for letter, raw in chosen:
        event = validate(raw, schema, letter.received_at, allow_reserved=allow_reserved)
        if isinstance(event, Event) and json.loads(raw).get("event_id") is None:
            # However often it is replayed, it is in the log once.
            event = msgspec.structs.replace(event, event_id=letter.event_id)
        judged.append((letter, event))
    good = [(letter, event) for letter, event in judged if isinstance(event, Event)]
    with closing(open_ingest_or_writer(settings)) as appender:
        appended = appender.append([event for _, event in good]) if good else []
        taken = [
            letter.number
            for (letter, _), done in zip(good, appended, strict=True)
            if done.verdict is not Verdict.INVALID
        ]
        appender.settle(taken)
    verdicts = iter(appended)
    return [
        (letter.number, next(verdicts).verdict.value, event.event_id, None)
        if isinstance(event, Event)
        else (letter.number, "invalid", None, event)
        for letter, event in judged
    ]


def _document(letter: DeadLetter) -> dict[str, Any]:
    try:
        event = json.loads(letter.raw)
    except (ValueError, RecursionError):
        event = None
    return {
        "number": letter.number,
        "received_at_us": letter.received_at,
        "source": letter.source,
        "reason": letter.reason,
        "event": event,
        "raw": letter.raw.decode("utf-8", "backslashreplace"),
    }


def _text(raw: bytes) -> str:
    return "".join(
        char if char.isprintable() else "\N{MIDDLE DOT}"
        for char in raw[:60].decode("utf-8", "replace")
    )
