"""The `events` group."""

from __future__ import annotations

from palate.cli.apps import command_app
from palate.cli.events import dead
from palate.cli.events.post import post
from palate.cli.events.replay import replay
from palate.cli.events.stats import stats
from palate.cli.events.tail import tail

__all__ = ["app"]

app = command_app("Events: look at the log, count it, replay it, post to it.")
app.command()(tail)
app.command()(stats)
app.command()(replay)
app.command()(post)
app.add_typer(dead.app, name="dead")
