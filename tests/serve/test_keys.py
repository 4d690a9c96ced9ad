"""Who may listen where, and which keys are keys."""

from __future__ import annotations

import pytest

from palate.config import ServeSettings
from palate.errors import ConfigError
from palate.serve.keys import Keys, check_exposure


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.10"])
def test_this_machine_needs_no_keys(host: str) -> None:
    check_exposure(ServeSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_beyond_this_machine_keys_are_needed(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_exposure(ServeSettings(host=host))
    assert caught.value.hint is not None
    assert "PALATE_SERVE__KEYS" in caught.value.hint
    check_exposure(ServeSettings(host=host, keys=("long-and-random",)))


@pytest.mark.parametrize("key", ["", "two words", "ключ", "line\nbreak"])
def test_impossible_keys_are_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="a key is empty or has") as caught:
        check_exposure(ServeSettings(keys=("good", key)))
    assert "good" not in str(caught.value)


def test_without_keys_everyone_is_admitted() -> None:
    keys = Keys(())
    assert not keys
    assert keys.admit(b"")


def test_only_the_right_key_in_the_right_scheme_is_admitted() -> None:
    keys = Keys(("alpha", "beta"))
    assert keys.admit(b"Bearer alpha")
    assert keys.admit(b"BEARER  beta ")
    for wrong in (b"", b"Bearer", b"Bearer alph", b"Bearer alphaa", b"Token alpha", b"\xff alpha"):
        assert not keys.admit(wrong)
