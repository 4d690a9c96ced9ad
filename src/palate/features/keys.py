"""Keys of the state: a prefix says what the value is, the rest whose."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ANONYMOUS",
    "ITEM",
    "LINK",
    "META",
    "PAST",
    "PROFILE",
    "RECENT",
    "USER",
    "key",
    "person",
]

USER: Final = b"u:"
ANONYMOUS: Final = b"a:"  # a namespace of its own: a visitor is never a user of the same text
ITEM: Final = b"i:"
LINK: Final = b"l:"  # of a visitor who was identified: the user id
META: Final = b"m:"
RECENT: Final = META + b"ids:"  # and partition and page: `recent_ids`
# Followed by the eight bytes of a definition's fingerprint, so that the longest id still fits:
PROFILE: Final = b"p"  # and then the key of a person's state
PAST: Final = b"h"  # and then any key: as it was when profiles are filled from the log


def key(prefix: bytes, public: str) -> bytes:
    """The key of an id; also of one that is not text, such as a mangled argument: it has none."""
    return prefix + public.encode("utf-8", "surrogatepass")


def person(user_id: str | None, anonymous_id: str | None) -> bytes | None:
    """The key of whoever did something, before anybody is linked to anybody."""
    if user_id is not None:
        return key(USER, user_id)
    return None if anonymous_id is None else key(ANONYMOUS, anonymous_id)
