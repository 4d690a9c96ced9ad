"""Public data sets on the command line: terms shown, asked about, and loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from palate.cli.session import Session

if TYPE_CHECKING:
    from palate.data.dataset import Dataset
    from palate.data.sources import Source
    from palate.types import Progress

__all__ = ["GENERATED", "is_public", "load_public", "terms"]

GENERATED = "generated"


def is_public(name: str) -> bool:
    """Whether `name` is that of a public set, or of the generated catalogue."""
    from palate.data.sources import names

    return name in (*names(), GENERATED)


def load_public(
    session: Session, name: str, *, accept_licence: bool, progress: Progress
) -> Dataset:
    """A public set, once its terms are shown and accepted; or the generated catalogue.

    Args:
        session: Its settings say where copies are kept, and where local ones may be.
        name: `generated`, or one of `palate.data.sources.names()`.
        accept_licence: Accept the terms without being asked.
        progress: Told bytes of a download.

    Raises:
        DataError: The terms are not accepted, or the set cannot be had.
    """
    if name == GENERATED:
        from palate.data.generated import generate

        return generate().dataset
    from palate.data.sources import source

    found = source(name)
    cache = session.settings.home / "sources"
    if not found.cached(cache):
        session.terminal.say(terms(found))
        accept_licence = accept_licence or _asked(session)
    return found.load(
        cache, accept_licence=accept_licence, local=session.settings.data, progress=progress
    )


def terms(source: Source) -> str:
    """What a person should read before using the set."""
    return (
        f"{source.title}\n  terms: {source.terms}\n  cite:  {source.citation}\n"
        f"  see:   {source.homepage}"
    )


def _asked(session: Session) -> bool:
    """The answer of the person at the terminal; no where there is nobody to ask."""
    if session.terminal.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm("Do you accept these terms?", err=True)
