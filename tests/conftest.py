"""Fixtures for all tests: where real data sets are, and a closed environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A checkout may stand beside a folder of public data sets; released copies do not.
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
if "PALATE_DATA" not in os.environ and _BESIDE.is_dir():
    os.environ["PALATE_DATA"] = str(_BESIDE)

pytest.register_assert_rewrite("palate.testing")

# A compiled loop's first call, or a busy machine, is no fault of the code: nothing is timed.
settings.register_profile("palate", deadline=None)
settings.load_profile("palate")


@pytest.fixture(scope="session")
def palate_data() -> Path:
    """The folder of public data sets; the test is skipped where there is none."""
    folder = os.environ.get("PALATE_DATA")
    if folder is None:
        pytest.skip("PALATE_DATA is not set: it names a folder of public data sets")
    return Path(folder)


@pytest.fixture(autouse=True)
def _no_stray_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test starts in an empty folder, with no PALATE_ setting but the data folder."""
    for name in list(os.environ):
        if name.startswith("PALATE_") and name != "PALATE_DATA":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    """What runs a service sets up logging for its whole process, which is ours here."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


# What trains nets, builds indexes or starts processes for minutes in all: `make test` and CI run
# it, the default suite leaves it out to be short.
_TESTS = Path(__file__).resolve().parent
_LONG_TOGETHER = ("train", "retrieval", "models/realtime", "models/nets", "models/kernels")
_LONG = (
    *(f"models/test_{name}" for name in ("deep", "dcn", "dkn", "lightgcn", "multvae", "ncf")),
    *(f"models/test_{name}" for name in ("sasrec", "wide_deep", "xdeepfm", "warm", "bpr", "rated")),
    *(f"models/test_{name}" for name in ("fm_", "rbm", "factorisation", "click_bad_input")),
    "cli/test_processes",
    "data/sources/test_origins",
    "evaluate/test_movielens",
    "examples",
    "features/columns",
    "features/test_ingest",
    "serve/test_security",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is long together, though each test is short."""
    for item in items:
        if not item.path.is_relative_to(_TESTS):
            continue
        place = item.path.relative_to(_TESTS).as_posix()
        if place.startswith((*_LONG_TOGETHER, *_LONG)):
            item.add_marker(pytest.mark.slow)
