"""What a user's files most likely hold: which column is what, which attribute of which kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.frames import DEFAULT_EVENT
from palate.data.infer_kind import infer_kind
from palate.data.read import read_table
from palate.errors import DataError

__all__ = ["Guess", "Inferred", "infer", "infer_tables"]

SAMPLE_ROWS: Final = 20_000
MOST_EVENT_TYPES: Final = 50


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMES: Final[Mapping[str, frozenset[str]]] = {
    c.USER_ID: _words(
        "userid user uid customerid customer memberid member visitorid visitor accountid account "
        "personid profileid reviewerid sessionid"
    ),
    c.ITEM_ID: _words(
        "itemid item iid productid product movieid movie filmid articleid article newsid asin sku "
        "contentid trackid songid artistid bookid isbn businessid postid videoid listingid adid "
        "carid vehicleid"
    ),
    c.TIMESTAMP: _words(
        "timestamp time ts date datetime createdat eventtime eventtimestamp unixtime "
        "unixreviewtime occurredat"
    ),
    c.EVENT: _words(
        "event eventtype eventname type action actiontype behavior behaviour interaction "
        "interactiontype"
    ),
    c.VALUE: _words(
        "rating value score stars overall weight quantity count plays playcount listens "
        "duration price amount"
    ),
}
MONEY: Final = frozenset({"price", "amount"})  # worth nothing more when it is higher


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess and why it was made.

    Attributes:
        table: interactions, items or users.
        column: Its name in the file.
        meaning: A canonical column, a kind, or "left out".
        reason: In plain words.
    """

    table: str
    column: str
    meaning: str
    reason: str


@dataclass(frozen=True)
class Inferred:
    """What the files seem to hold.

    Attributes:
        columns: Canonical name to the column's name in the interactions.
        item_key: The id column of the items table, or None without one.
        user_key: The id column of the users table, or None without one.
        schema: Event types and attributes.
        guesses: All of them, in the order of the columns.
        files: Which file was taken for interactions, items, users; empty when frames were given.
    """

    columns: Mapping[str, str]
    item_key: str | None
    user_key: str | None
    schema: Schema
    guesses: tuple[Guess, ...]
    files: Mapping[str, Path] = field(default_factory=dict)


def infer_tables(
    interactions: pl.DataFrame,
    *,
    items: pl.DataFrame | None = None,
    users: pl.DataFrame | None = None,
    files: Mapping[str, Path] | None = None,
) -> Inferred:
    """Guess from samples as `read_table` gives them.

    Args:
        interactions: Who did what, some thousand rows.
        items: Attributes of items.
        users: Attributes of users.
        files: Where they came from, for the record.

    Raises:
        DataError: No column looks like a user's or an item's id.
    """
    guesses: list[Guess] = []
    columns = _columns(interactions, guesses)
    events = _event_types(interactions, columns)
    item_key = None if items is None else _key(items, c.ITEM_ID, "items", guesses)
    user_key = None if users is None else _key(users, c.USER_ID, "users", guesses)
    schema = Schema(
        events=events,
        items=_attributes(items, item_key, "items", guesses),
        users=_attributes(users, user_key, "users", guesses),
    )
    return Inferred(columns, item_key, user_key, schema, tuple(guesses), files or {})


def infer(paths: Sequence[Path]) -> Inferred:
    """Guess from up to three files, in any order; from none, nothing.

    The table that names both users and items holds the interactions; one that names items
    alone holds their attributes, one that names users alone theirs.

    Raises:
        DataError: A file cannot be read, none holds interactions, or two hold the same.
    """
    if not paths:
        return Inferred({}, None, None, Schema(), ())
    found: dict[str, tuple[Path, pl.DataFrame]] = {}
    for path in paths:
        table = read_table(path)
        sample = table.gather_every(max(1, table.height // SAMPLE_ROWS))
        role = _role(sample, alone=len(paths) == 1)
        if role in found:
            raise DataError(
                f"{found[role][0].name} and {path.name} both look like {role}",
                hint="name one file of each, and call id columns user_id and item_id",
            )
        found[role] = (path, sample)
    if "interactions" not in found:
        raise DataError(
            "no file holds both users and items",
            hint="name the file of interactions, with columns user_id and item_id",
        )
    tables = {role: sample for role, (_, sample) in found.items()}
    return infer_tables(
        tables["interactions"],
        items=tables.get("items"),
        users=tables.get("users"),
        files={role: path for role, (path, _) in found.items()},
    )


def _plain(name: str) -> str:
    """`User ID`, `userId` and `user_id:token` are all `userid`."""
    return re.sub(r"[^a-z0-9]", "", name.partition(":")[0].lower())


def _named(table: pl.DataFrame, meaning: str) -> str | None:
    return next((n for n in table.columns if _plain(n) in NAMES[meaning]), None)


def _role(table: pl.DataFrame, *, alone: bool) -> str:
    user, item = _named(table, c.USER_ID), _named(table, c.ITEM_ID)
    if alone or (user and item):
        return "interactions"
    if item:
        return "items"
    if user:
        return "users"
    raise DataError(
        f"a table with the columns {table.columns} names neither users nor items",
        hint="call its id column user_id or item_id",
    )


def _columns(table: pl.DataFrame, guesses: list[Guess]) -> dict[str, str]:
    columns = {}
    for meaning in NAMES:
        name = _named(table, meaning)
        if name is not None:
            columns[meaning] = name
            guesses.append(Guess("interactions", name, meaning, "by its name"))
    for meaning in (c.USER_ID, c.ITEM_ID):
        if meaning not in columns:
            columns[meaning] = _id_by_content(table, meaning, set(columns.values()), guesses)
    for name in table.columns:
        if name not in columns.values():
            guesses.append(Guess("interactions", name, "left out", "nothing here reads it"))
    return columns


def _id_by_content(table: pl.DataFrame, meaning: str, taken: set[str], guesses: list[Guess]) -> str:
    for name in table.columns:
        dtype = table[name].dtype
        if name not in taken and (dtype == pl.String or dtype.is_integer()):
            guesses.append(
                Guess("interactions", name, meaning, "the first column that could be an id")
            )
            return name
    raise DataError(
        f"no column among {table.columns} looks like {meaning}",
        hint=f"call it {meaning}, or pass --columns {meaning}=...",
    )


def _event_types(table: pl.DataFrame, columns: Mapping[str, str]) -> dict[str, EventType]:
    value = columns.get(c.VALUE)
    counts = value is not None and _plain(value) not in MONEY
    kind = EventType(value="multiply" if counts else "ignore")
    if c.EVENT not in columns:
        return {DEFAULT_EVENT: kind}
    named = table[columns[c.EVENT]].cast(pl.String).drop_nulls()
    names = sorted(named.unique())
    if len(names) > MOST_EVENT_TYPES:
        raise DataError(
            f"column {columns[c.EVENT]!r} has {len(names)} distinct values, too many event types",
            hint="rename the column if it holds something else",
        )
    if value is None or not counts:
        return dict.fromkeys(names, kind)
    present = table.filter(pl.col(value).is_not_null())[columns[c.EVENT]].cast(pl.String)
    valued = set(present.unique())
    return {n: kind if n in valued else EventType() for n in names}


def _key(table: pl.DataFrame, meaning: str, label: str, guesses: list[Guess]) -> str:
    name, reason = _named(table, meaning), "by its name"
    if name is None:
        name = next((n for n in table.columns if _plain(n) == "id"), None)
    if name is None:
        name, reason = table.columns[0], "the first column"
    guesses.append(Guess(label, name, meaning, reason))
    return name


def _attributes(
    table: pl.DataFrame | None, key: str | None, label: str, guesses: list[Guess]
) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    if table is None:
        return attributes
    for name in table.columns:
        if name == key:
            continue
        attribute, reason = infer_kind(table[name])
        guesses.append(
            Guess(label, name, attribute.kind.value if attribute else "left out", reason)
        )
        if attribute is not None:
            attributes[name] = attribute
    return attributes
