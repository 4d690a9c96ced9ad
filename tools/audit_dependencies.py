"""Known holes in the pinned dependencies: pip-audit, with proof that it looked.

pip-audit calls a package that its source does not know "skipped" and ends well. So one release
with a hole that is known for years is asked for first: where the source does not name it, nothing
that it says of others counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KNOWN_HOLE = "jinja2==3.1.2"  # CVE-2024-22195

HOLES, UNREACHABLE = 1, 3  # exit codes


def ask(requirements: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each pinned requirement."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps",
            "--disable-pip", "--format", "json", "--progress-spinner", "off",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if not done.stdout.strip():
        return []
    found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return found


def is_reachable(answers: list[dict[str, Any]]) -> bool:
    """Whether the source knew the hole that everybody knows."""
    return any(answer.get("vulns") for answer in answers)


def judge(answers: list[dict[str, Any]]) -> list[str]:
    """A line for each hole, and for each package that could not be looked up."""
    lines = []
    for answer in answers:
        name = f"{answer['name']} {answer.get('version', '')}".strip()
        if "skip_reason" in answer:
            lines.append(f"{name}: {answer['skip_reason']}")
        for hole in answer.get("vulns", ()):
            fixed = ", ".join(hole.get("fix_versions", ())) or "nothing yet"
            lines.append(f"{name}: {hole['id']}, fixed in {fixed}")
    return lines


def unanswered(constraints: str) -> str:
    """What to say where no source answers: what was not asked, what holds all the same, what next.

    Args:
        constraints: The text of the pins.
    """
    pins = sum("==" in line.partition("#")[0] for line in constraints.splitlines())
    return (
        f"NOT AUDITED: no advisory source answers: {KNOWN_HOLE}, whose hole is known, has none\n"
        f"  holds all the same: CI installs and tests the {pins} versions that "
        "constraints.txt pins\n"
        "  does not hold: that none of them has a known hole\n"
        "  next: make audit where pypi.org or osv.dev can be reached, before each release\n"
    )


def main() -> int:
    """The exit code: 1 for holes, 3 where advisories cannot be reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--if-reachable",
        action="store_true",
        help="where advisories cannot be reached, say so only",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.txt"
        probe.write_text(f"{KNOWN_HOLE}\n")
        if not is_reachable(ask(probe)):
            sys.stdout.write(unanswered((ROOT / "constraints.txt").read_text()))
            return 0 if arguments.if_reachable else UNREACHABLE
    answers = ask(ROOT / "constraints.txt")
    lines = judge(answers)
    text = "\n".join(lines) or f"{len(answers)} dependencies, no known hole"
    sys.stdout.write(f"{text}\n")
    return HOLES if lines else 0


if __name__ == "__main__":
    sys.exit(main())
