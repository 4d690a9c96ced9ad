"""What the program's own options said: settings file, home, and how to print."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palate.cli.terminal import Terminal

if TYPE_CHECKING:
    import typer

    from palate.config import Settings

__all__ = ["Session", "session_of"]


@dataclass
class Session:
    """One run of the command line.

    Attributes:
        settings_file: From `--settings`; None looks for `palate.toml` here.
        home: From `--home`.
        debug: Show tracebacks.
        terminal: Where answers, messages and progress go.
    """

    settings_file: Path | None = None
    home: Path | None = None
    debug: bool = False
    terminal: Terminal = field(default_factory=Terminal)

    @cached_property
    def settings(self) -> Settings:
        """The settings: flags over environment over file.

        Raises:
            ConfigError: The file is missing, malformed, or has an impossible value.
        """
        return self.settings_with({})

    def settings_with(self, overrides: dict[str, Any]) -> Settings:
        """The settings with a command's own flags on top, nested like the file."""
        from palate.config import load_settings

        home = {} if self.home is None else {"home": self.home.absolute()}
        return load_settings(self.settings_file, {**home, **overrides})


def session_of(ctx: typer.Context) -> Session:
    """The session that the root command made."""
    session = ctx.find_object(Session)
    return session if session is not None else Session()
