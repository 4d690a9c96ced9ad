"""The indexer as a process of the service; the supervisor starts it."""

from __future__ import annotations

import sys
from typing import Final

from palate.retrieval.processes import run_indexer
from palate.serve.child import Boot, bootstrap
from palate.serve.role import give_way, run_beside

__all__ = ["main"]

_NICE: Final = 10  # requests and changes of items come first


async def _run(boot: Boot) -> None:
    give_way(_NICE)
    await run_beside(boot, run_indexer)


def main() -> int:
    """Run the indexer that the supervisor started; its exit code."""
    return bootstrap(_run)


if __name__ == "__main__":
    sys.exit(main())
