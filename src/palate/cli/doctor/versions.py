"""Checks of what is installed: Palate, Python, and the packages that it declares."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Iterator

from palate import __version__
from palate.cli.doctor.finding import Finding, fail, ok, warn

__all__ = ["check_extras", "check_versions"]

NEEDED = ("numpy", "scipy", "numba", "polars", "pydantic", "msgspec")
SERVING = ("lmdb", "starlette", "uvicorn")
_AT_LEAST = re.compile(r"([A-Za-z0-9._-]+)(?:\[.*\])?>=([0-9.]+)[^;]*(;.*)?")


def check_versions() -> Iterator[Finding]:
    """Palate, Python, and the packages that decide about speed; none older than is declared."""
    yield ok("palate", f"{__version__} on Python {platform.python_version()}, {platform.machine()}")
    old = [
        f"{name} {found}, {least} is needed"
        for name, least in _declared()
        if (found := _version(name)) != "missing" and _parts(found) < _parts(least)
    ]
    if old:
        yield fail("packages", "; ".join(old), hint="pip install --upgrade 'palate[serve]'")
    else:
        yield ok("packages", ", ".join(f"{name} {_version(name)}" for name in NEEDED))


def check_extras() -> Iterator[Finding]:
    """Whether `palate serve` can run."""
    missing = [name for name in SERVING if _version(name) == "missing"]
    if missing:
        yield warn(
            "serving",
            f"{', '.join(missing)} not installed: no online state, no service",
            hint="pip install 'palate[serve]'",
        )
    else:
        yield ok("serving", ", ".join(f"{name} {_version(name)}" for name in SERVING))


def _declared() -> Iterator[tuple[str, str]]:
    """Packages with the least version that will do, of Palate and of its extras."""
    for requirement in importlib.metadata.requires("palate") or ():
        match = _AT_LEAST.fullmatch(requirement.replace(" ", ""))
        if match is not None:
            yield match[1], match[2]


def _parts(version: str) -> tuple[int, ...]:
    """The numbers at its start: `2.1.0rc1` is (2, 1, 0)."""
    match = re.match(r"[0-9.]*[0-9]", version)
    return tuple(int(part) for part in match[0].split(".")) if match is not None else ()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
