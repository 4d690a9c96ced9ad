"""Where a demo keeps its files, and that one service at a time runs there."""

from __future__ import annotations

from pathlib import Path

from palate.errors import PalateError

__all__ = ["refuse_a_second_demo"]


def refuse_a_second_demo(home: Path) -> None:
    """Nothing, unless a service runs there.

    Raises:
        PalateError: One does.
    """
    from palate.serve.lock import running_service

    running = running_service(home)
    if running is not None:
        raise PalateError(
            f"a service runs on {home} already: {running.url}",
            hint="end it, or choose another --home",
        )
