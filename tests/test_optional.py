"""Optional dependencies: absent ones name the command, faults inside them stay faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from palate._optional import require
from palate.errors import MissingExtraError


def test_an_absent_package_names_the_command() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'palate\[deep\]'"):
        require("no_such_package_at_all.inner", extra="deep")


def test_a_present_package_is_imported() -> None:
    assert require("json", extra="deep") is json


def test_an_import_error_inside_a_package_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_inside.py").write_text("import no_such_module_either\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module_either"):
        require("broken_inside", extra="deep")
