"""What starting costs: `import palate` and `palate --help` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import palate

HEAVY = {"numpy", "scipy", "polars", "numba", "pydantic", "starlette", "uvicorn", "rich", "lmdb"}
SCRIPT = """
import sys
{work}
print(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HELP = """
from palate.cli.main import main
sys.argv = ["palate", "--help"]
try:
    main()
except SystemExit as end:
    assert end.code == 0
"""


def loaded(work: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(work=work)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("work", ["import palate", HELP], ids=["import", "help"])
def test_nothing_heavy_is_loaded(work: str) -> None:
    assert loaded(work) & HEAVY == set()


def test_every_public_name_is_there() -> None:
    for name in palate.__all__:
        assert getattr(palate, name) is not None
    assert set(palate.__all__) <= set(dir(palate))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        _ = palate.nosuch
