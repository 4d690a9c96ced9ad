"""`palate keys` and `palate audit`: what is told, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_secret_is_told_once(palate: Run) -> None:
    made = palate("keys", "create", "shop", "--scope", "read", "--scope", "write", "--json")
    assert made.code == 0
    assert made.data["scopes"] == ["read", "write"]
    assert made.data["secret"].startswith(f"palate_{made.data['id']}_")
    random = made.data["secret"].rpartition("_")[2]
    listed = palate("keys", "list", "--json")
    assert [key["id"] for key in listed.data] == [made.data["id"]]
    assert random not in listed.out
    for path in Path(".palate").rglob("*"):
        assert not path.is_file() or random.encode() not in path.read_bytes()


def test_people_read_it_too(palate: Run) -> None:
    made = palate("keys", "create", "web page", "--scope", "ingest", "--rate", "20", "--origin",
                  "https://shop.example", "--days", "90")  # fmt: skip
    assert made.code == 0
    assert "secret" in made.out
    assert "not shown again" in made.err
    listed = palate("keys", "list").out
    for shown in ("web page", "ingest", "20", "https://shop.example", "until "):
        assert shown in listed


def test_no_keys(palate: Run) -> None:
    assert "this machine alone" in palate("keys", "list").out
    assert palate("keys", "list", "--json").data == []


def test_rotate_and_revoke(palate: Run) -> None:
    old = palate("keys", "create", "shop", "--scope", "read", "--json").data["id"]
    new = palate("keys", "rotate", old, "--overlap-hours", "2", "--json").data
    assert new["id"] != old
    assert palate("keys", "revoke", new["id"]).code == 0
    found = {key["id"]: key for key in palate("keys", "list", "--json").data}
    assert found[old]["expires_at"] is not None
    assert found[new["id"]]["revoked_at"] is not None
    again = palate("keys", "rotate", new["id"])
    assert again.code == 1
    assert "revoked" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "shop", "--scope", "root"], "no scope is called 'root'"),
        (["create", "", "--scope", "read"], "name"),
        (["create", "shop", "--scope", "read", "--rate", "0"], "rate"),
        (["create", "shop", "--scope", "read", "--burst", "3"], "burst"),
        (["create", "shop", "--scope", "read", "--days", "-1"], "expired"),
        (["create", "shop", "--scope", "read", "--origin", "*"], "origin"),
        (["revoke", "nothing"], "no key has the id"),
        (["rotate", "nothing"], "no key has the id"),
    ],
)
def test_what_cannot_be_is_refused(palate: Run, arguments: list[str], said: str) -> None:
    done = palate("keys", *arguments)
    assert done.code == 1
    assert said in done.err
    assert palate("keys", "list", "--json").data == []


def test_the_audit_says_who(palate: Run) -> None:
    assert palate("audit").out.strip() == "nothing yet"
    key = palate("keys", "create", "shop", "--scope", "read", "--json").data["id"]
    palate("keys", "revoke", key)
    told = palate("audit", "--json").data
    assert [(entry["action"], entry["ref"]) for entry in told] == [
        ("key.revoke", key),
        ("key.create", key),
    ]
    assert all(entry["who"] for entry in told)
    assert "key.revoke" in palate("audit", "--limit", "1").out
    assert "key.create" not in palate("audit", "--limit", "1").out
