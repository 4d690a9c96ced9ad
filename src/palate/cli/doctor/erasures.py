"""Checks of the people who are to be erased: whether it will be done in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok
from palate.errors import PalateError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_erasures"]

DAY_S = 86_400.0


def check_erasures(home: Path, within_days: float) -> Iterator[Finding]:
    """Whether somebody who asked to be erased longer than `within_days` ago still is not."""
    from palate.events.forgotten import waiting_since
    from palate.store.database import REGISTRY, Database

    if not (home / REGISTRY).is_file():
        return
    try:
        with closing(Database(home / REGISTRY)) as database:
            asked = waiting_since(database)
    except PalateError:
        return  # `check_releases` says it
    if not asked:
        return
    waited_days = (time.time() - asked[0] / 1e6) / DAY_S
    found = f"{len(asked)} ids wait to be erased, the first for {waited_days:,.1f} days"
    if waited_days > within_days:
        yield fail(
            "erasures",
            f"{found}: longer than [privacy] erase_within_days = {within_days:g}",
            hint="palate serve erases while it runs; its log says what keeps it from it",
        )
    else:
        yield ok("erasures", found)
