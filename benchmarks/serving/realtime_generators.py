"""Generators of load on a service of nets, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from serving.realtime_world import SURFACE, USERS, World

__all__ = ["CONNECTIONS", "WARM_S", "Generators", "Load"]

HERE = Path(__file__).resolve().parent
CONNECTIONS = 32
WARM_S = 2.0  # of requests that are not measured, before those that are


class Load:
    """A generator in a process of its own, as a context: with it, the process ends.

    Args:
        script: Which.
        name: Of its files.
        folder: Where they are.
        plan: What it is told.
    """

    def __init__(self, script: str, name: str, folder: Path, plan: dict[str, Any]) -> None:
        self._out = folder / f"{name}-figures.json"
        given = folder / f"{name}-plan.json"
        given.write_text(json.dumps(plan))
        self._process = subprocess.Popen([sys.executable, HERE / script, given, self._out])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def figures(self) -> dict[str, Any]:
        """Once it has ended."""
        if self._process.wait():
            raise SystemExit("the generator failed")
        found: dict[str, Any] = json.loads(self._out.read_text())
        print(self._out.stem, found, file=sys.stderr, flush=True)
        return found


@dataclass(frozen=True)
class Generators:
    """Of one service.

    Attributes:
        url: Of the service.
        world: What it serves.
        folder: For plans and figures.
    """

    url: str
    world: World
    folder: Path

    def requests(self, *, rate: float, seconds: float, seed: int) -> Load:
        """Requests at a rate; of 0, in a closed loop."""
        said = {"url": self.url, "connections": CONNECTIONS, "surface": SURFACE, "users": USERS}
        how = {"rate": rate, "seconds": seconds, "warm_s": WARM_S, "seed": seed}
        name = f"requests-{seed}-{rate:.0f}"
        return Load("realtime_load.py", name, self.folder, {**said, **how})

    def changes(self, *, rate: float, seconds: float, seed: int) -> Load:
        """New prices of cars at a rate."""
        how = {"rate": rate, "seconds": seconds, "seed": seed}
        # No more than are busy enough for the service not to close them.
        connections = min(CONNECTIONS, int(rate))
        plan = {"url": self.url, "connections": connections, "cars": self.world.changing, **how}
        return Load("realtime_changes.py", f"changes-{seed}", self.folder, plan)
