"""Both trainers pass what every trainer passes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from palate.errors import ConfigError
from palate.testing.trainer import TrainerConformance
from palate.train.trainer import LocalTrainer, TorchrunTrainer


class TestLocal(TrainerConformance):
    trainer = LocalTrainer()


@pytest.mark.slow
class TestTorchrun(TrainerConformance):
    """Two processes on this machine's loopback."""

    trainer = TorchrunTrainer(2)


def test_no_processes_are_refused() -> None:
    with pytest.raises(ConfigError, match="processes is 0"):
        TorchrunTrainer(0)


def test_the_conformance_classes_need_no_torch_to_be_imported(tmp_path: Path) -> None:
    source = "import sys; sys.modules['torch'] = None; import palate.testing"
    subprocess.run([sys.executable, "-c", source], check=True, cwd=tmp_path)
