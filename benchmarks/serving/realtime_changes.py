"""Prices of cars change at a rate, in a process of its own: `realtime_changes.py PLAN OUTPUT`.

Open loop: each PUT is due at its moment, whatever became of those before it.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from serving.generator import Measured, Pool, explained
from serving.realtime_load import opened

__all__ = ["changes", "main"]

PRICES = (500, 90_000)


def changes(pool: Pool, cars: list[dict[str, Any]], n: int, seed: int) -> list[bytes]:
    """`n` requests, each a new price of one of the cars."""
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        car = rng.choice(cars)
        attributes = {**car["attributes"], "price": rng.randint(*PRICES)}
        body = json.dumps({"attributes": attributes}).encode()
        found.append(pool.request("PUT", f"/v1/items/{car['item_id']}", body))
    return found


def main() -> None:
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    with explained(plan["url"]):
        pool = Pool(plan["url"], plan["connections"])
        n = round(plan["rate"] * plan["seconds"])
        requests = changes(pool, plan["cars"], n, plan["seed"])
        figures = opened(pool, requests, plan, Measured())
    Path(sys.argv[2]).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
