"""`palate events stats`: the log in figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from palate.cli.layout import table, when
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

if TYPE_CHECKING:
    from palate.events.schema import Event

__all__ = ["stats"]


def stats(ctx: typer.Context) -> None:
    """Count events by type, with users, items and times."""
    from palate.events.log.base import batches

    session = session_of(ctx)
    tallies: dict[str, _Tally] = {}
    with Workspace(session.settings).log() as log, session.terminal.progress() as progress:
        head = log.head()
        for batch in batches(log):
            for record in batch:
                tallies.setdefault(record.event.event, _Tally()).add(record.event)
            progress(batch[-1].offset, head, "counting")
    ordered = sorted(tallies.items(), key=lambda pair: (-pair[1].count, pair[0]))
    session.terminal.answer(
        {"head": head, "events": [{"event": name, **t.figures()} for name, t in ordered]},
        table(
            ["event", "count", "users", "items", "first (UTC)", "last (UTC)"],
            [
                [name, t.count, len(t.users), len(t.items), when(t.first), when(t.last)]
                for name, t in ordered
            ],
        ),
    )


@dataclass
class _Tally:
    """Events of one type, counted; times in microseconds since 1970 UTC."""

    count: int = 0
    users: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    first: int = 0
    last: int = 0

    def add(self, event: Event) -> None:
        self.count += 1
        if (who := event.user_id or event.anonymous_id) is not None:
            self.users.add(who)
        if event.item_id is not None:
            self.items.add(event.item_id)
        if event.timestamp > 0:
            self.first = min(self.first, event.timestamp) if self.first else event.timestamp
            self.last = max(self.last, event.timestamp)

    def figures(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "users": len(self.users),
            "items": len(self.items),
            "first_us": self.first or None,
            "last_us": self.last or None,
        }
