"""Peers: other libraries, each in a virtual environment of its own under `.peers/`."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RECOMMENDERS", "Peer"]

ROOT = Path(__file__).resolve().parent.parent / ".peers"


@dataclass(frozen=True)
class Peer:
    """What to compare with, and how it is installed.

    Attributes:
        name: Of the package.
        version: Pinned.
        requirements: What it imports for our purpose, pinned where it matters.
        with_dependencies: False installs `requirements` alone, not what the package lists.
        pythons: Versions that all of this runs on, the favourite first.
    """

    name: str
    version: str
    requirements: tuple[str, ...]
    with_dependencies: bool = True
    pythons: tuple[str, ...] = ("3.11",)

    @property
    def label(self) -> str:
        """For tables."""
        return f"{self.name} {self.version}"

    def python(self) -> Path:
        """The interpreter of its environment, which is made first where it is not there yet."""
        interpreter = _interpreter(self.pythons)
        folder = ROOT / f"{self.name}-{self._hash(interpreter)}"
        ready = folder / "ready"
        ROOT.mkdir(exist_ok=True)
        with (ROOT / f".{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                self._install(interpreter, folder)
                ready.touch()
        return folder / "bin" / "python"

    def versions(self) -> dict[str, str]:
        """Installed packages of its environment, by name."""
        listed = subprocess.run(
            [self.python(), "-m", "pip", "list", "--format", "json"],
            check=True,
            capture_output=True,
            text=True,
        )
        named = {self.name, *(re.split("[<>=!~]", said)[0] for said in self.requirements)}
        return {
            f"peer {package['name']}": package["version"]
            for package in json.loads(listed.stdout)
            if package["name"] in named
        }

    def _install(self, interpreter: str, folder: Path) -> None:
        print(f"setting up {self.label} in {folder} (once)", file=sys.stderr, flush=True)
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        package = f"{self.name}=={self.version}"
        if self.with_dependencies:
            subprocess.run([*pip, package, *self.requirements], check=True)
        else:
            subprocess.run([*pip, *self.requirements], check=True)
            subprocess.run([*pip, "--no-deps", package], check=True)

    def _hash(self, interpreter: str) -> str:
        said = json.dumps([self.version, self.requirements, self.with_dependencies, interpreter])
        return hashlib.sha256(said.encode()).hexdigest()[:10]


def _interpreter(pythons: tuple[str, ...]) -> str:
    """An installed Python of one of these versions."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" in pythons:
        return sys.executable
    for version in pythons:
        found = shutil.which(f"python{version}")
        if found is not None:
            return found
    raise SystemExit(f"the peer needs Python {' or '.join(pythons)}, and none is installed")


RECOMMENDERS = Peer(
    "recommenders",
    "1.2.1",
    # It lists 150 packages, notebooks and deep nets among them; SAR and the metrics import these.
    # Its SAR uses np.NaN, which numpy 2 removed.
    ("numpy==1.26.4", "scipy==1.13.1", "pandas==2.3.3", "scikit-learn>=1.5,<2"),
    with_dependencies=False,
    pythons=("3.11", "3.12"),
)
