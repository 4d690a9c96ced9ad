"""How many files a process of the service may have open: each connection is one."""

from __future__ import annotations

import logging
import resource
from typing import Final

__all__ = ["ENOUGH_FILES", "raise_file_limit"]

ENOUGH_FILES: Final = 65_536

logger = logging.getLogger(__name__)


def raise_file_limit() -> None:
    """Allow ourselves as many open files as the system lets us, up to `ENOUGH_FILES`.

    The soft limit is often 1,024, from the days of `select`; 5,000 idle clients need more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:  # macOS allows less than its hard limit says
            logger.warning("open files stay limited to %s: %s", soft, error)
