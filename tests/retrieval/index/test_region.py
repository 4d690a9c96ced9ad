"""Memory that grows in place, and begins with a file's where that is wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palate.retrieval.index.region import mapped, reserved, rows_in


def test_address_space_costs_nothing_until_it_is_written() -> None:
    before = resident()
    array = reserved(1 << 30, np.empty((0, 4), np.float32))  # 16 GiB
    assert array.shape == (1 << 30, 4)
    array[5] = 7
    assert array[5].tolist() == [7, 7, 7, 7]
    assert array[1 << 29].tolist() == [0, 0, 0, 0]
    assert resident() - before < 64 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("n", [0, 1, 7, 1024, 5000])
def test_a_file_goes_on_as_memory(tmp_path: Path, n: int) -> None:
    path = tmp_path / "rows.npy"
    kept = np.arange(3 * n, dtype=np.int32).reshape(n, 3)
    np.save(path, kept)
    raw = path.read_bytes()
    array = mapped(path, n + 9000)
    assert rows_in(path) == n
    assert (array[:n] == kept).all()
    assert (array[n:] == 0).all()
    array[:] = 5
    assert (array == 5).all()
    assert path.read_bytes() == raw, "the file is nobody's to change"


def test_no_fewer_rows_than_the_file_has(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(10.0))
    assert mapped(tmp_path / "rows.npy", 0).tolist() == list(range(10))


def test_what_is_no_array_of_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="magic"):
        mapped(path, 1)
    np.save(path, np.asfortranarray(np.ones((3, 4))))
    with pytest.raises(ValueError, match="plain rows"):
        mapped(path, 1)
    np.save(path, np.ones(500))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="shorter"):
        mapped(path, 1)
