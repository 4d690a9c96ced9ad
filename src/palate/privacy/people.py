"""Who a person is here: a user, and the visitors that turned out to be them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from palate.errors import DataError
from palate.events.log import tables
from palate.events.log.people import People, visitors_of
from palate.events.sound import id_fault
from palate.features.state import State

__all__ = ["LOG", "people_of"]

LOG = Path("events") / "log.sqlite"  # below home


def people_of(user_id: str, home: Path, state: State | None) -> People:
    """The user and the visitors who were last identified as them.

    Args:
        user_id: Who; nothing need be known of them.
        home: Of Palate's files.
        state: Says whom a visitor was linked to last; None where there is none yet.

    Raises:
        DataError: No id can be so.
        LogError: The log is damaged.
    """
    if (wrong := id_fault("user_id", user_id)) is not None:
        raise DataError(wrong)
    if not (home / LOG).exists():
        return People((user_id,))
    with closing(tables.connect(home / LOG, read_only=True)) as connection:
        seen = visitors_of(connection, user_id)
    theirs = [v for v in seen if state is None or state.linked(v) in (user_id, None)]
    return People((user_id,), tuple(theirs))
