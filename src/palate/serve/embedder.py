"""The embedder as a process of the service; the supervisor starts it."""

from __future__ import annotations

import sys
from typing import Final

from palate.retrieval.processes import run_embedder
from palate.serve.child import Boot, bootstrap
from palate.serve.role import give_way, run_beside

__all__ = ["main"]

_NICE: Final = 5  # what people ask and do comes first


async def _run(boot: Boot) -> None:
    give_way(_NICE)
    await run_beside(boot, run_embedder)


def main() -> int:
    """Run the embedder that the supervisor started; its exit code."""
    return bootstrap(_run)


if __name__ == "__main__":
    sys.exit(main())
