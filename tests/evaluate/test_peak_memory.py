"""Peak memory: the kernel's own figure where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palate.evaluate import peak_memory
from palate.evaluate.peak_memory import measure_memory

RESETTABLE = Path("/proc/self/clear_refs").exists()


@pytest.mark.skipif(not RESETTABLE, reason="only Linux tells a process its peak")
def test_a_peak_that_is_gone_at_the_end_counts() -> None:
    with measure_memory() as memory:
        block = np.ones(256 << 17)  # 256 MiB: far more than what the kernel may take back meanwhile
        del block
    assert memory.mib is not None
    assert 224 < memory.mib < 320


@pytest.mark.skipif(not RESETTABLE, reason="only Linux tells a process its peak")
def test_what_was_there_before_does_not_count() -> None:
    block = np.ones(48 << 17)
    with measure_memory() as memory:
        pass
    assert block.size
    assert memory.mib is not None
    assert memory.mib < 16


def test_unknown_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.evaluate.peak_memory.sys.platform", "darwin")
    with measure_memory() as memory:
        pass
    assert memory.mib is None


def test_unknown_where_the_mark_cannot_be_reset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, "_RESET", tmp_path / "absent" / "clear_refs")
    with measure_memory() as memory:
        pass
    assert memory.mib is None


def test_an_error_passes_through() -> None:
    with pytest.raises(ValueError, match="inside"), measure_memory():
        raise ValueError("inside")
