"""`palate serve`: the HTTP service, until Ctrl-C."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from palate._optional import require
from palate.cli.apps import command_app
from palate.cli.session import session_of

__all__ = ["app", "serve"]

app = command_app()


@app.command()
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[
        str | None, typer.Option(help="Address; beyond this machine needs keys.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that answer.")] = None,
    alias: Annotated[str | None, typer.Option(help="The release alias to follow.")] = None,
) -> None:
    """Answer over HTTP until Ctrl-C.

    The service follows the alias: a promoted release is taken up without a restart.
    """
    session = session_of(ctx)
    flags: dict[str, Any] = {"host": host, "port": port, "workers": workers, "alias": alias}
    given = {name: value for name, value in flags.items() if value is not None}
    settings = session.settings_with({"serve": given} if given else {})
    require("uvicorn", extra="serve")
    from palate.serve.supervisor import serve as run

    terminal = session.terminal

    def ready(url: str) -> None:
        terminal.answer(
            {"url": url, "pid": os.getpid()}, f"serving {settings.serve.alias} at {url}"
        )
        terminal.say("Ctrl-C ends it; the API is described at /openapi.json")

    run(settings, on_ready=ready)
