"""What cannot work says so: exit code, what is wrong, what to type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palate.cli.main import app
from palate.errors import ConfigError

Run = Callable[..., Any]


def assert_fails(ran: Any, *said: str) -> None:
    assert ran.code == 1
    assert ran.out == ""
    for words in said:
        assert words in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "nosuch.csv"], "nosuch.csv"),
        (["train", "nosuch"], "no model is called 'nosuch'"),
        (["train", "sar", "--set", "colour=1"], "colour"),
        (["train", "sar", "--set", "similarity=none"], "similarity"),
        (["train", "sar", "--set", "similarity"], "NAME=VALUE"),
        (["evaluate", "nosuch"], "nosuch"),
        (["compare", "popular", "nosuch"], "nosuch"),
        (["compare", "popular", "--split", "sideways"], "sideways"),
        (["release", "show", "nosuch"], "nosuch"),
        (["release", "show", "sar:9"], "sar:9"),
        (["release", "promote", "nosuch"], "nosuch"),
        (["release", "rollback", "--alias", "nosuch"], "nosuch"),
        (["recommend", "u01", "--release", "nosuch"], "nosuch"),
        (["recommend", "u01", "--surface", "nosuch"], "nosuch"),
        (["recommend", "u01", "--filter", "{"], "--filter is not JSON"),
        (["recommend", "u01", "--filter", "[1]"], "not a JSON object"),
        (["recommend", "u01", "--filter", '{"nosuch": 1}'], "nosuch"),
        (["similar", "nosuch"], "no item 'nosuch'"),
        (["explain", "nosuch", "m01"], "nothing is known of user 'nosuch'"),
        (["explain", "u01", "nosuch"], "no item 'nosuch'"),
        (["events", "post"], "name a file of events"),
        (["events", "post", "nosuch.jsonl"], "nosuch.jsonl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words(palate: Run, project: Path, arguments: list[str], said: str) -> None:
    assert_fails(palate(*arguments), said, "error:")


def test_an_empty_file(palate: Run) -> None:
    Path("empty.csv").write_text("")
    assert_fails(palate("import", "empty.csv"), "empty.csv is empty")


def test_a_file_with_other_columns_names_them_and_the_option(palate: Run) -> None:
    Path("other.csv").write_text("a,b\nx,y\n")
    assert_fails(palate("import", "other.csv"), "user_id", "a, b", "--columns user_id=a")


def test_a_column_that_is_not_there(palate: Run) -> None:
    Path("some.csv").write_text("user_id,item_id\nx,y\n")
    assert_fails(palate("import", "some.csv", "--columns", "timestamp=when"), "when")
    assert_fails(palate("import", "some.csv", "--columns", "timestamp"), "NAME=COLUMN")


def test_a_public_set_takes_no_files(palate: Run) -> None:
    assert_fails(palate("import", "generated", "--items", "x.csv"), "is a public set")


def test_terms_must_be_accepted(palate: Run) -> None:
    refused = palate("import", "ml-100k")
    assert_fails(refused, "terms:", "cite:", "--accept-licence")


def test_settings_that_are_no_toml(palate: Run) -> None:
    Path("palate.toml").write_text("[events")
    assert_fails(palate("train", "sar"), "palate.toml is not valid TOML")


def test_settings_with_an_unknown_key(palate: Run) -> None:
    Path("palate.toml").write_text("[serve]\nportt = 1\n")
    assert_fails(palate("serve"), "serve.portt")


def test_settings_that_are_not_there(palate: Run) -> None:
    assert_fails(palate("--settings", "nosuch.toml", "train", "sar"), "no settings file")


@pytest.mark.parametrize(
    "arguments", [["train", "sar"], ["compare"], ["events", "tail"], ["events", "stats"]]
)
def test_nothing_imported_yet(palate: Run, arguments: list[str]) -> None:
    assert_fails(palate(*arguments), "log")


def test_no_release_is_served_yet(palate: Run) -> None:
    palate("import", "generated")
    assert_fails(palate("recommend", "u001"), "stable")


def test_serving_beyond_this_machine_needs_keys(palate: Run, project: Path) -> None:
    assert_fails(palate("serve", "--host", "0.0.0.0", "--port", "0"), "key")


def test_settings_are_overridden_by_the_environment_and_that_by_flags(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALATE_HOME", str(project / "elsewhere"))
    assert_fails(palate("events", "stats"), "elsewhere")
    assert palate("events", "stats", "--home", str(project / ".palate")).code == 0


def test_debug_shows_the_traceback(project: Path) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["--debug", "train", "sar", "--set", "x"])
    assert isinstance(result.exception, ConfigError)
