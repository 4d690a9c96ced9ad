"""The `demo` command: the whole loop on real data, in one go."""

from __future__ import annotations

import signal
import time
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from palate._optional import require
from palate.cli.apps import command_app
from palate.cli.layout import ago
from palate.cli.session import Session, session_of
from palate.errors import PalateError

if TYPE_CHECKING:
    import subprocess

    from palate.cli.terminal import Terminal

__all__ = ["app", "demo"]

app = command_app()

HOME = Path("palate-demo")
CARS_HOME = Path("palate-demo-cars")


class Story(StrEnum):
    """What can be shown."""

    MOVIES = "movies"
    CARS = "cars"


@app.command()
def demo(
    ctx: typer.Context,
    story: Annotated[
        Story,
        typer.Argument(
            help="movies: from data to a served recommendation; cars: a marketplace that changes "
            "while it is asked.",
        ),
    ] = Story.MOVIES,
    *,
    end: Annotated[bool, typer.Option("--exit", help="End when all is shown.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; another one where it is taken.")
    ] = 8080,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence/--no-accept-licence",
            help="Whether to accept the terms of MovieLens, which are shown.",
        ),
    ] = True,
    generated: Annotated[
        bool, typer.Option("--generated", help="Use a generated catalogue, not MovieLens.")
    ] = False,
) -> None:
    """Import real data, compare six models, serve the best.

    Then a user is asked for, three events are posted, and the changed answer is shown.
    Everything goes into palate-demo (or --home); a second run uses what is there.

    With cars, which are generated: a visitor's profile sharpens click by click, recommendations
    follow, a sold car is gone at once, and a new model takes over while many ask.
    """
    session = session_of(ctx)
    require("uvicorn", extra="serve")
    require("lmdb", extra="serve")
    signal.signal(signal.SIGTERM, _end_as_by_ctrl_c)
    if story is Story.CARS:
        _show_cars(session, port, end=end)
    else:
        _show_movies(session, port, end=end, accept_licence=accept_licence, public=not generated)


def _show_movies(
    session: Session, port: int, *, end: bool, accept_licence: bool, public: bool
) -> None:
    from palate.cli.demo.loop import Loop

    started = time.monotonic()
    terminal = session.terminal
    loop = Loop(terminal, (session.home or HOME).absolute())
    loop.prepare(accept_licence=accept_licence, public=public)
    with loop.serve(port) as (client, service):
        lines = loop.converse(client)
        waited_s = loop.facts["first_recommendation_s"] = loop.first_answer - started
        terminal.tell(f"\nFirst recommendation {ago(waited_s)} after the start. Try it:\n\n{lines}")
        if terminal.json:
            terminal.line(loop.facts)
        if not end:
            _serve_on(service, client.url, terminal)
    terminal.tell(f"\nEnded. All of it is in {loop.home}; palate demo goes on from there.")


def _show_cars(session: Session, port: int, *, end: bool) -> None:
    from palate.cli.demo.cars.loop import CarsLoop

    terminal = session.terminal
    loop = CarsLoop(terminal, (session.home or CARS_HOME).absolute())
    loop.prepare()
    with loop.serve(port) as (client, service):
        terminal.tell(f"\nTry it:\n\n{loop.converse(client)}")
        if terminal.json:
            terminal.line(loop.facts)
        if not end:
            _serve_on(service, client.url, terminal)
    terminal.tell(f"\nEnded. All of it is in {loop.home}; palate demo cars goes on from there.")


def _serve_on(service: subprocess.Popen[bytes], url: str, terminal: Terminal) -> None:
    # Polars takes SIGINT with SA_RESTART, under which a blocking wait sleeps on; take it back.
    signal.signal(signal.SIGINT, _end_as_by_ctrl_c)
    try:
        terminal.tell(f"\nServing at {url} until Ctrl-C.")
        code = service.wait()
    except KeyboardInterrupt:
        return
    raise PalateError(f"the service ended with code {code}", hint="see serve.log in its home")


def _end_as_by_ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
