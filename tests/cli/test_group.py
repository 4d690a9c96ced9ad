from __future__ import annotations

import pytest
from typer.testing import CliRunner

from palate import __version__
from palate.cli.group import hoist
from palate.cli.main import PalateGroup, app


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["recommend", "u1", "--json"], ["--json", "recommend", "u1"]),
        (["train", "sar", "--home", "here"], ["--home", "here", "train", "sar"]),
        (["train", "--settings=p.toml", "sar"], ["--settings=p.toml", "train", "sar"]),
        (["explain", "--", "--json", "i1"], ["explain", "--", "--json", "i1"]),
        (["serve", "--home"], ["--home", "serve"]),
        ([], []),
    ],
)
def test_program_options_move_to_the_front(given: list[str], hoisted: list[str]) -> None:
    assert hoist(given) == hoisted


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"palate {__version__}\n")


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert [name for name in listed if name in PalateGroup.modules] == list(PalateGroup.modules)


def test_an_unknown_command_is_a_usage_error_and_names_the_near_one() -> None:
    result = CliRunner().invoke(app, ["recomend", "u1"])
    assert result.exit_code == 2
    assert "'recommend'" in result.stderr


def test_an_unknown_option_is_a_usage_error() -> None:
    result = CliRunner().invoke(app, ["train", "sar", "--frobnicate"])
    assert result.exit_code == 2
    assert "--frobnicate" in result.stderr


def test_no_command_shows_help() -> None:
    result = CliRunner().invoke(app, [])
    assert "palate demo" in result.output
