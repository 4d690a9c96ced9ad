"""The page of the command line is what the commands say."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from palate.cli.main import PalateGroup, app
from palate.cli.reference import filled, reference

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "cli.md"


def test_the_reference_is_current() -> None:
    text = PAGE.read_text()
    assert filled(text) == text, "python -m palate.cli.reference docs/cli.md"


@pytest.mark.parametrize("name", PalateGroup.modules)
def test_every_command_has_a_heading_and_every_option_a_line(name: str) -> None:
    text = reference()
    command = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    inner = getattr(command, "commands", {})
    for path, one in [(name, command), *((f"{name} {n}", c) for n, c in inner.items())]:
        _, found, rest = text.partition(f"# `palate {path}`\n")
        assert found
        section = rest.partition("\n#")[0]
        for parameter in one.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"`{parameter.opts[0]}" in section, (path, parameter.opts)
                assert parameter.help, (path, parameter.opts)


def test_every_first_line_fits_a_terminal() -> None:
    group = typer.main.get_command(app)
    for name in PalateGroup.modules:
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        assert len((command.help or "").splitlines()[0]) <= 66, name


def test_the_quick_start_runs() -> None:
    """Its Python block, on data of the shape that it speaks of."""
    import polars as pl

    from palate.data.generated import generate

    block = (DOCS / "quickstart.md").read_text().split("```python\n")[1].split("```")[0]
    films = generate(60, 40, 500, seed=3).dataset
    users = pl.when(pl.col("user_id") == "u01").then(pl.lit("u1")).otherwise(pl.col("user_id"))
    names = {"orders": films.interactions.with_columns(users.alias("user_id"))}
    exec(block, names | {"products": films.items})
