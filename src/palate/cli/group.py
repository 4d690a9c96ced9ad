"""A command group that imports a command when it is called, and reports errors in plain words."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from palate.cli.session import Session
from palate.errors import PalateError

__all__ = ["LazyGroup"]

# Options of the whole program; they may stand before or after the command.
FLAGS = frozenset({"--json", "--quiet", "-q", "--debug"})
VALUED = frozenset({"--settings", "--home"})


class LazyGroup(TyperGroup):
    """A group whose commands are modules, each with a `typer.Typer` called `app`.

    A subclass sets `modules`: command name to module, in the order that help shows.
    """

    modules: ClassVar[dict[str, str]] = {}

    # The context's type moved from click into typer, hence `Any`: both are supported.
    def list_commands(self, ctx: Any) -> list[str]:
        """All command names, in the order of the table."""
        return list(self.modules)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its module imported now; None where there is no such command."""
        if cmd_name not in self.modules:
            return None
        if cmd_name not in self.commands:
            command = typer.main.get_command(import_module(self.modules[cmd_name]).app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, its "did you mean" knowing every command."""
        if self.get_command(ctx, args[0]) is None:
            for name in self.modules:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the program's own options from wherever they stand."""
        return super().parse_args(ctx, hoist(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that a user can mend ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except PalateError as error:
            if _debugging(ctx):
                raise
            _terminal_of(ctx).fail(error.message, hint=error.hint)
            raise typer.Exit(1) from error
        except OSError as error:
            # A closed pipe is typer's to handle; the rest has a file's name in it.
            if _debugging(ctx) or error.errno == errno.EPIPE or error.filename is None:
                raise
            _terminal_of(ctx).fail(f"{error.filename}: {error.strerror}", hint=None)
            raise typer.Exit(1) from error


def hoist(args: Sequence[str]) -> list[str]:
    """`args` with the program's own options first; nothing after `--` moves."""
    ours: list[str] = []
    rest: list[str] = []
    pending = iter(args)
    for token in pending:
        if token == "--":
            return [*ours, *rest, token, *pending]
        if token in FLAGS or token.partition("=")[0] in VALUED:
            ours.append(token)
            if token in VALUED:
                ours.extend([value] if (value := next(pending, None)) is not None else [])
        else:
            rest.append(token)
    return [*ours, *rest]


def _debugging(ctx: Any) -> bool:
    return isinstance(ctx.obj, Session) and ctx.obj.debug


def _terminal_of(ctx: Any) -> Any:
    return ctx.obj.terminal if isinstance(ctx.obj, Session) else Session().terminal
