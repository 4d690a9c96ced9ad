"""The demo's tables: what was recommended before and after, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from palate.cli.demo.choice import SHOWN, Choice
from palate.cli.demo.conversation import Answer, Films
from palate.cli.layout import table

__all__ = ["after_table", "before_table", "curl_lines"]

TITLE = 32  # characters
REASON = 24


def before_table(answer: Answer, films: Films) -> str:
    """The first items of the first answer."""
    rows = [
        [rank, films.title.get(item["item_id"], item["item_id"]), _because(item, films)]
        for rank, item in enumerate(answer.items[:SHOWN], 1)
    ]
    return table(["#", "film", "because of"], rows, widest=60)


def after_table(before: Answer, after: Answer, films: Films) -> str:
    """The first items of the second answer, and what place each had before."""
    rows = []
    for rank, item in enumerate(after.items[:SHOWN], 1):
        was = before.rank(item["item_id"])
        title = films.title.get(item["item_id"], item["item_id"])
        rows.append([rank, title, was, _because(item, films)])
    return table(["#", "film", "was", "because of"], rows, widest=60)


def curl_lines(url: str, choice: Choice, *, event: str, value: float | None) -> str:
    """What to type next."""
    user, film = choice.user, choice.films[0]
    json_type = "-H 'content-type: application/json'"
    posted = f'"event": "{event}", "user_id": "{user}", "item_id": "{film}"'
    if value is not None:
        posted += f', "value": {value:g}'
    return "\n".join(
        [
            f"curl -s {url}/v1/recommendations {json_type} \\",
            f"""  -d '{{"user_id": "{user}", "k": 5, "explain": true}}'""",
            f"curl -s {url}/v1/events {json_type} \\",
            f"""  -d '{{"events": [{{{posted}}}]}}'""",
            f"curl -s '{url}/v1/items/{film}/similar?k=5'",
            f"curl -s {url}/openapi.json",
        ]
    )


def _because(item: Mapping[str, Any], films: Films) -> str:
    reasons: Sequence[Mapping[str, Any]] = item.get("reasons") or ()
    return ", ".join(
        f"{_cut(films.title.get(r['item_id'], r['item_id']))} {r['share']:.0%}" for r in reasons[:2]
    )


def _cut(title: str) -> str:
    return title if len(title) <= REASON else title[: REASON - 1].rstrip() + "…"
