"""Checks of what was refused: dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok, warn
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.cli.workspace import Workspace

__all__ = ["check_letters"]

NEWEST = 1000  # letters whose reasons are counted


def check_letters(workspace: Workspace) -> Iterator[Finding]:
    """Whether events were refused, why most of the newest were, and whether some were lost."""
    from palate.features.ingest import open_dead_letters

    if not (workspace.home / "events" / "dead.sqlite").exists():
        return
    try:
        with open_dead_letters(workspace.home, workspace.settings, read_only=True) as letters:
            totals = letters.totals()
            reasons = Counter(letter.reason for letter in letters.newest(NEWEST))
    except PalateError as error:
        yield fail("letters", error.message, hint=error.hint or "palate restore BACKUP --force")
        return
    if totals.kept:
        ((reason, times),) = reasons.most_common(1)
        yield warn(
            "letters",
            f"{totals.kept:,} refused events are kept; the reason of {times:,} of the newest "
            f"{reasons.total():,}: {reason}",
            hint="palate events dead list; then replay or drop",
        )
    if totals.lost:
        yield warn(
            "letters",
            f"{totals.lost:,} older refused events were dropped to make room",
            hint="mend their sender, or raise [log] dead_letters_max",
        )
    if not totals.kept and not totals.lost:
        yield ok("letters", "no refused events")
