"""`palate serve`: the HTTP service, until Ctrl-C."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Any

import typer

from palate._optional import require
from palate.cli.apps import command_app
from palate.cli.session import session_of

__all__ = ["app", "serve"]

app = command_app()


class Part(StrEnum):
    """Names of `palate.serve.role.Role`, which would load numpy to show the help."""

    ALL = "all"
    GATEWAY = "gateway"
    EMBEDDER = "embedder"
    INDEXER = "indexer"


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
    role: Annotated[
        Part, typer.Option(help="The whole service, or one part of it on this home.")
    ] = Part.ALL,
) -> None:
    """Answer over HTTP until Ctrl-C.

    The service follows the alias: a promoted release is taken up without a restart. Where
    surfaces are answered by nets, it embeds and indexes items as well; --role gives each of these
    jobs a process manager of its own.
    """
    session = session_of(ctx)
    flags: dict[str, Any] = {"host": host, "port": port, "workers": workers, "alias": alias}
    given = {name: value for name, value in flags.items() if value is not None}
    settings = session.settings_with({"serve": given} if given else {})
    terminal = session.terminal
    if role in (Part.EMBEDDER, Part.INDEXER):
        from palate.serve.role import Role, run_here

        run_here(
            Role(role.value),
            settings,
            lambda: terminal.answer({"role": role.value, "pid": os.getpid()}, role.value),
        )
        return
    require("uvicorn", extra="serve")
    from palate.serve.role import Role
    from palate.serve.supervisor import serve as run

    def ready(url: str) -> None:
        terminal.answer(
            {"url": url, "pid": os.getpid()}, f"serving {settings.serve.alias} at {url}"
        )
        terminal.say("Ctrl-C ends it; the API is described at /openapi.json")

    run(settings, on_ready=ready, role=Role(role.value))
