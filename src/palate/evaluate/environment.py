"""The machine and the versions that a figure was measured with."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

__all__ = ["Environment", "this_environment"]

_PACKAGES = ("palate", "numpy", "scipy", "numba", "polars")


class Environment(BaseModel):
    """Where a figure comes from. Names no host and no user."""

    model_config = ConfigDict(frozen=True)

    system: str
    processor: str
    cores: int
    memory_gib: float | None
    python: str
    versions: dict[str, str]


@cache
def this_environment() -> Environment:
    """The environment of this process."""
    return Environment(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=_cores(),
        memory_gib=_memory_gib(),
        python=platform.python_version(),
        versions={name: found for name in _PACKAGES if (found := _version(name)) is not None},
    )


def _cores() -> int:
    """Cores that this process may use, which a container can make fewer than the machine's."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux has it, macOS has not
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _processor() -> str:
    """The processor's model name where the system says it, else its architecture."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    """Physical memory, or None where the system does not tell."""
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30), 1)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
