"""`palate keys`: make, list, rotate and revoke the keys that open the service."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.layout import fields, table
from palate.cli.session import Session, session_of
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.store.key import Key, Scope
    from palate.store.keys import Keys

__all__ = ["app", "create", "list_", "revoke", "rotate"]

app = command_app("Keys: who may ask the service, for what, how often and until when.")

KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `palate keys list` shows it.")]


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Who holds it.")],
    *,
    scope: Annotated[
        list[str], typer.Option(help="ingest, read, write or admin; may be repeated.")
    ],
    rate: Annotated[float | None, typer.Option(help="Requests a second in the long run.")] = None,
    burst: Annotated[
        int | None, typer.Option(help="Requests at once; one second's worth by default.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A web origin whose pages may use it; may be repeated."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="It expires after so many days.")] = None,
) -> None:
    """Make a key and show its secret, once.

    A running service takes it up within a second. Once there is a key, every request but the
    probes needs one, also on this machine.
    """
    from palate.store.key import KeyLimits

    session = session_of(ctx)
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    limits = KeyLimits(rate, burst, tuple(origin or ()), expires)
    with _keys(session) as keys:
        secret, key = keys.create(
            name, [_scope(word) for word in scope], limits=limits, by=getpass.getuser()
        )
    _tell(session, secret, key)


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List all keys: what each may do, and when it was last used."""
    session = session_of(ctx)
    with _keys(session) as keys:
        found = keys.all()
    now = datetime.now(UTC)
    rows = [
        [
            key.id, key.name, ", ".join(sorted(key.scopes)), _standing(key, now),
            _rate(key), " ".join(key.limits.origins) or None, _day(key.created_at),
            _minute(key.last_used_at),
        ]
        for key in found
    ]  # fmt: skip
    headers = ["id", "name", "scopes", "stands", "a second", "origins", "created", "last used"]
    session.terminal.answer(
        [_plain(key) for key in found],
        table(headers, rows) if rows else "no keys: the service answers this machine alone",
    )


@app.command()
def rotate(
    ctx: typer.Context,
    key_id: KeyId,
    *,
    overlap_hours: Annotated[
        float, typer.Option(min=0.0, help="For so long the old one stands beside the new one.")
    ] = 24.0,
) -> None:
    """Make a successor with the same scopes and limits, and let the old key expire."""
    session = session_of(ctx)
    with _keys(session) as keys:
        overlap = timedelta(hours=overlap_hours)
        secret, key = keys.rotate(key_id, overlap=overlap, by=getpass.getuser())
    _tell(session, secret, key)


@app.command()
def revoke(ctx: typer.Context, key_id: KeyId) -> None:
    """Let a key open nothing any more; a running service follows within a second."""
    session = session_of(ctx)
    with _keys(session) as keys:
        key = keys.revoke(key_id, by=getpass.getuser())
    session.terminal.answer(_plain(key), f"{key.id} ({key.name}) is revoked")


@contextmanager
def _keys(session: Session) -> Iterator[Keys]:
    from contextlib import closing

    from palate.store.database import REGISTRY, Database
    from palate.store.keys import Keys

    with closing(Database(session.settings.home / REGISTRY)) as database:
        yield Keys(database)


def _scope(word: str) -> Scope:
    from palate.store.key import Scope

    try:
        return Scope(word)
    except ValueError as error:
        raise ConfigError(
            f"no scope is called {word!r}", hint=f"there are: {', '.join(Scope)}"
        ) from error


def _tell(session: Session, secret: str, key: Key) -> None:
    shown = [
        ("id", key.id),
        ("name", key.name),
        ("scopes", ", ".join(sorted(key.scopes))),
        ("stands", _standing(key, datetime.now(UTC))),
        ("secret", secret),
    ]
    session.terminal.answer({**_plain(key), "secret": secret}, fields(shown))
    session.terminal.say("keep the secret: it is not shown again, and only its hash is stored")


def _plain(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "rate_per_s": key.limits.rate_per_s,
        "burst": key.limits.burst,
        "origins": list(key.limits.origins),
        "created_at": key.created_at,
        "expires_at": key.limits.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _standing(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    expires = key.limits.expires_at
    if expires is None:
        return "yes"
    return f"until {_minute(expires)}" if now < expires else f"expired {_day(expires)}"


def _rate(key: Key) -> str | None:
    rate = key.limits.rate_per_s
    return None if rate is None else f"{rate:g}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _minute(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M}"
