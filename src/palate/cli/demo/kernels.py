"""Compile every kernel that the demo needs, in a process beside the one that fetches data.

Compiled kernels are kept on disk by numba: the demo, the service's workers and every later
run read them from there, so this costs its seconds once a machine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["LONGEST_S", "compile_all", "compiling"]

LONGEST_S = 180.0


@contextmanager
def compiling(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `compile_all` in a process of its own, which ends with the block at the latest.

    Args:
        log: Gets what the process says.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "palate.cli.demo.kernels"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(LONGEST_S)


def compile_all() -> None:
    """Fit, judge and warm up all models on a few rows."""
    from palate.cli.model_options import MODELS_TO_COMPARE, build_model
    from palate.config import Settings
    from palate.data.generated import generate
    from palate.evaluate.compare import compare
    from palate.models.warm import warm

    settings = Settings()
    models = {name: build_model(name, settings) for name in MODELS_TO_COMPARE}
    for model in compare(models, generate(30, 20, 200).dataset).fitted.values():
        warm(model)


if __name__ == "__main__":
    compile_all()
