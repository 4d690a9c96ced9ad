"""Who may listen where."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from palate.config import ServeSettings, Settings
from palate.errors import ConfigError
from palate.serve.exposure import check_exposure
from palate.store.database import REGISTRY, Database
from palate.store.key import KeyLimits, Scope
from palate.store.keys import Keys


def settings_of(home: Path, host: str) -> Settings:
    return Settings(home=home, serve=ServeSettings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.10"])
def test_this_machine_needs_no_keys(tmp_path: Path, host: str) -> None:
    check_exposure(settings_of(tmp_path / "home", host))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_t01_beyond_this_machine_a_key_is_needed(
    tmp_path: Path, make_key: Callable[..., str], host: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_exposure(settings_of(tmp_path, host))
    assert caught.value.hint is not None
    assert "palate keys create" in caught.value.hint
    make_key(tmp_path, Scope.READ)
    check_exposure(settings_of(tmp_path, host))


def test_keys_that_do_not_stand_are_none(tmp_path: Path) -> None:
    with closing(Database(tmp_path / REGISTRY)) as database:
        keys = Keys(database)
        _, key = keys.create("gone", [Scope.READ], by="test")
        keys.revoke(key.id, by="test")
        soon = datetime.now(UTC) + timedelta(milliseconds=1)
        keys.create("old", [Scope.READ], limits=KeyLimits(expires_at=soon), by="test")
        while datetime.now(UTC) <= soon:
            pass
    with pytest.raises(ConfigError, match="no keys"):
        check_exposure(settings_of(tmp_path, "0.0.0.0"))
