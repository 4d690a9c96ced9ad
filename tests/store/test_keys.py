"""Keys: told once, kept as a hash, rotated, expired, revoked; impossible ones are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from palate.errors import ConfigError, StoreError
from palate.store.audit import Audit
from palate.store.database import Database
from palate.store.key import KeyLimits, Scope
from palate.store.keys import Keys, digest_of

HOUR = timedelta(hours=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "registry.sqlite")) as database:
        yield database


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def now() -> datetime:
    return datetime.now(UTC)


def test_t03_the_secret_is_told_once_and_only_its_hash_is_kept(keys: Keys, tmp_path: Path) -> None:
    secret, key = keys.create("shop", [Scope.READ], by="test")
    assert secret.startswith(f"palate_{key.id}_")
    random = secret.removeprefix(f"palate_{key.id}_")
    assert len(random) == 43, "256 bits"
    assert digest_of(secret.encode()) == hashlib.sha256(secret.encode()).digest()
    assert [digest for digest, _ in keys.by_digest()] == [digest_of(secret.encode())]
    for path in tmp_path.iterdir():
        assert random.encode() not in path.read_bytes()


def test_a_key_is_read_back_as_it_was_made(keys: Keys) -> None:
    expires = now().replace(microsecond=0) + HOUR
    limits = KeyLimits(2.5, 10, ("https://shop.example", "http://localhost:3000"), expires)
    _, key = keys.create("shop", [Scope.WRITE, Scope.READ], limits=limits, by="test")
    assert keys.all() == (key,)
    assert key.limits == limits
    assert key.scopes == {Scope.READ, Scope.WRITE}
    assert (key.revoked_at, key.last_used_at) == (None, None)
    assert key.stands(expires - HOUR)
    assert not key.stands(expires)


def test_t04_old_and_new_stand_together_after_a_rotation(keys: Keys) -> None:
    limits = KeyLimits(5.0, origins=("https://shop.example",))
    first, old = keys.create("shop", [Scope.INGEST], limits=limits, by="test")
    second, new = keys.rotate(old.id, overlap=HOUR, by="test")
    assert first != second
    assert (new.name, new.scopes, new.limits) == (old.name, old.scopes, old.limits)
    old = keys.get(old.id)
    assert old.stands(now())
    assert not old.stands(now() + HOUR)
    assert new.stands(now() + 1000 * HOUR)
    keys.rotate(new.id, overlap=timedelta(0), by="test")
    assert not keys.get(new.id).stands(now())
    with pytest.raises(StoreError, match="revoked or has expired"):
        keys.rotate(new.id, overlap=HOUR, by="test")


def test_a_rotation_never_makes_a_key_last_longer(keys: Keys) -> None:
    limits = KeyLimits(expires_at=now() + HOUR)
    _, old = keys.create("shop", [Scope.READ], limits=limits, by="test")
    _, new = keys.rotate(old.id, overlap=100 * HOUR, by="test")
    assert keys.get(old.id).limits.expires_at == old.limits.expires_at
    assert new.limits.expires_at == old.limits.expires_at


def test_a_revoked_key_stands_no_more(keys: Keys) -> None:
    _, key = keys.create("shop", [Scope.READ], by="test")
    revoked = keys.revoke(key.id, by="test")
    assert not revoked.stands(now())
    assert keys.revoke(key.id, by="test") == revoked
    with pytest.raises(StoreError, match="no key has the id"):
        keys.revoke("nothing", by="test")


def test_last_use_never_goes_back(keys: Keys) -> None:
    _, key = keys.create("shop", [Scope.READ], by="test")
    at = now()
    keys.used([key.id, "unknown"], at)
    keys.used([key.id], at - HOUR)
    assert keys.get(key.id).last_used_at == at


def test_another_process_sees_the_change(keys: Keys, tmp_path: Path) -> None:
    with closing(Database(tmp_path / "registry.sqlite")) as other:
        seen = Keys(other)
        _, key = keys.create("shop", [Scope.READ], by="test")
        assert seen.get(key.id) == key
        keys.revoke(key.id, by="test")
        assert seen.get(key.id).revoked_at is not None


def test_every_change_is_in_the_audit(keys: Keys, database: Database) -> None:
    _, key = keys.create("shop", [Scope.READ], by="ann")
    _, new = keys.rotate(key.id, overlap=HOUR, by="bob")
    keys.revoke(new.id, by="carl")
    keys.revoke(new.id, by="dora")
    told = [(e.who, e.action, e.ref, e.why) for e in Audit(database).recent(10)]
    assert told == [
        ("carl", "key.revoke", new.id, ""),
        ("bob", "key.rotate", key.id, f"{new.id} follows"),
        ("ann", "key.create", key.id, "shop: read"),
    ]
    with pytest.raises(StoreError, match="nobody is named"):
        keys.create("shop", [Scope.READ], by=" ")
    assert len(keys.all()) == 2


@pytest.mark.parametrize(
    ("name", "scopes", "limits", "wrong"),
    [
        ("", [Scope.READ], KeyLimits(), "name"),
        ("  ", [Scope.READ], KeyLimits(), "name"),
        ("two\nlines", [Scope.READ], KeyLimits(), "name"),
        ("x" * 101, [Scope.READ], KeyLimits(), "name"),
        ("shop", [], KeyLimits(), "scope"),
        ("shop", [Scope.READ], KeyLimits(0.0), "rate"),
        ("shop", [Scope.READ], KeyLimits(-1.0), "rate"),
        ("shop", [Scope.READ], KeyLimits(float("nan")), "rate"),
        ("shop", [Scope.READ], KeyLimits(float("inf")), "rate"),
        ("shop", [Scope.READ], KeyLimits(burst=5), "burst"),
        ("shop", [Scope.READ], KeyLimits(1.0, 0), "burst"),
        ("shop", [Scope.READ], KeyLimits(expires_at=datetime(2020, 1, 1, tzinfo=UTC)), "expired"),
        ("shop", [Scope.READ], KeyLimits(origins=("*",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("https://*.example",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("https://shop.example/",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("shop.example",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("https://a b",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("null",)), "origin"),
        ("shop", [Scope.READ], KeyLimits(origins=("https://user@shop.example",)), "origin"),
    ],
)
def test_impossible_keys_are_refused(
    keys: Keys, name: str, scopes: list[Scope], limits: KeyLimits, wrong: str
) -> None:
    with pytest.raises(ConfigError, match=wrong):
        keys.create(name, scopes, limits=limits, by="test")
    assert keys.all() == ()
