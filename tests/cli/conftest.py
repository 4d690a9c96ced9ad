"""A small project on generated data, made once; each test works on a copy of it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from palate.cli.main import app
from palate.data.generated import generate


@dataclass(frozen=True)
class Ran:
    """What one run of the command line left."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]


def run_palate(*arguments: str, given: str | None = None) -> Ran:
    result = CliRunner().invoke(app, list(arguments), input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def palate() -> Run:
    """Runs a command in this process, in the test's empty folder."""
    return run_palate


@pytest.fixture(scope="session")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    data = generate(n_users=60, n_items=40, n_events=500, seed=3).dataset
    data.interactions.write_parquet(folder / "clicks.parquet")
    data.items.write_parquet(folder / "films.parquet")
    with contextlib.chdir(folder):
        imported = run_palate("import", "clicks.parquet", "--items", "films.parquet")
        assert imported.code == 0, imported.err
        for model in ("popular", "sar"):
            assert run_palate("train", model, "--promote").code == 0
    return folder


@pytest.fixture
def project(_project: Path, tmp_path: Path) -> Path:
    """The test's folder, holding the project: 500 clicks, popular:1, and sar:1 as stable."""
    shutil.copytree(_project, tmp_path, dirs_exist_ok=True)
    return tmp_path
