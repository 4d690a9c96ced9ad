"""Build the wheel and the sdist and compare their contents with the source tree."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist, built as a release would."""
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(result.stdout + result.stderr)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def source_files() -> set[str]:
    """Files below src/palate that git would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src/palate"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {n.removeprefix("src/") for n in listed.split("\0") if n and (ROOT / n).exists()}


def main() -> int:
    """Print what is missing or too much; fail when anything is."""
    with tempfile.TemporaryDirectory() as scratch:
        wheel, sdist = build(Path(scratch))
        packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
        with tarfile.open(sdist) as archive:
            names = {n.partition("/")[2] for n in archive.getnames()}
    expected = source_files()
    problems = [f"the wheel lacks {n}" for n in sorted(expected - packed)]
    problems += [f"the wheel should not hold {n}" for n in sorted(packed - expected)]
    problems += [f"the sdist lacks {n}" for n in sorted({f"src/{e}" for e in expected} - names)]
    problems += [f"the sdist lacks {n}" for n in ("LICENSE", "README.md") if n not in names]
    sys.stdout.write("".join(f"{p}\n" for p in problems) or f"{len(packed)} files in the wheel\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
