"""Users and items dealt into strata, so that threads descend side by side without a race.

Source: Gemulla, Nijkamp, Haas and Sismanis 2011, "Large-scale matrix factorization with
distributed stochastic gradient descent", KDD, section 4: blocks (s, s + t) of users and items
share no row, whatever t. The number of strata is fixed, so the result does not depend on
the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable

from palate.models.threads import in_parts, thread_count

__all__ = ["STRATA", "sweep"]

STRATA = 4


def sweep(block: Callable[[int, int], None]) -> None:
    """Call `block(user stratum, item stratum)` once for every pair, those of a round at once."""
    for turn in range(STRATA):

        def part(start: int, stop: int, turn: int = turn) -> None:
            for stratum in range(start, stop):
                block(stratum, (stratum + turn) % STRATA)

        in_parts(part, STRATA, 1, threads=thread_count())
