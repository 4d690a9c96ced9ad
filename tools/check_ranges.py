"""Resolve the dependency ranges on each Python, newest and lowest, without installing."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RESOLUTIONS = ("highest", "lowest-direct")


def resolve(python: str, resolution: str) -> subprocess.CompletedProcess[str]:
    """Ask uv for one resolution; only wheels count, so that nothing must be compiled."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"),
        *("--python-version", python, "--resolution", resolution, "--all-extras"),
        *("--only-binary", ":all:", "pyproject.toml"),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def main() -> int:
    """Print one line a resolution; fail when any fails."""
    failed = 0
    for python, resolution in itertools.product(PYTHONS, RESOLUTIONS):
        result = resolve(python, resolution)
        count = sum("==" in line for line in result.stdout.splitlines())
        state = f"{count} packages" if result.returncode == 0 else "FAILED"
        sys.stdout.write(f"Python {python} {resolution:14} {state}\n")
        if result.returncode != 0:
            failed += 1
            sys.stdout.write(result.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
