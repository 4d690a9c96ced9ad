"""The environment on record: versions and machine, and nothing that names a person."""

from __future__ import annotations

import getpass
import platform
from importlib.metadata import version

from palate.evaluate.environment import this_environment


def test_versions_and_machine() -> None:
    environment = this_environment()
    assert environment.versions["numpy"] == version("numpy")
    assert environment.versions["palate"] == version("palate")
    assert environment.python == platform.python_version()
    assert environment.cores >= 1
    assert environment.processor


def test_it_names_no_host() -> None:
    values = this_environment().model_dump()
    assert set(values) == {
        "system",
        "processor",
        "cores",
        "memory_gib",
        "python",
        "versions",
    }
    assert getpass.getuser() not in this_environment().system
