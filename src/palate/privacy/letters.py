"""A person's refused events among the dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from palate.events.dead_letters import DeadLetter, DeadLetters
from palate.events.forgotten import named_in
from palate.events.log.people import People

__all__ = ["letters_about"]

_PAGE: Final = 1_000


def letters_about(letters: DeadLetters, people: People) -> Iterator[DeadLetter]:
    """Those that name one of `people`, oldest first.

    A letter that is not JSON counts where an id stands anywhere in it.
    """
    ids = frozenset((*people.users, *people.visitors))
    bare = [public.encode("utf-8", "surrogatepass") for public in ids]
    after = 0
    while page := letters.read(after, limit=_PAGE):
        for letter in page:
            named = named_in(letter.raw)
            if any(b in letter.raw for b in bare) if named is None else not ids.isdisjoint(named):
                yield letter
        after = page[-1].number
