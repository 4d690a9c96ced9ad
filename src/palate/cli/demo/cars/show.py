"""What `palate demo cars` prints: profiles as lines, the table of clicks, what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from palate.cli.demo.client import Client
from palate.cli.layout import table

__all__ = ["ATTRIBUTES", "Profile", "curl_lines", "sharpening", "sharpening_table", "truth_line"]

ATTRIBUTES: Final = ("make", "body", "colour")  # of which the likeliest value is shown
WIDEST: Final = 36


@dataclass(frozen=True)
class Profile:
    """What the service believes of a visitor.

    Attributes:
        likeliest: Of each of `ATTRIBUTES` the likeliest value, its probability and deviation.
        price: Euros in the middle, and their standard deviation.
    """

    likeliest: Mapping[str, tuple[str, float, float]]
    price: tuple[float, float]

    @classmethod
    def of(cls, client: Client, anonymous_id: str) -> Profile:
        """The visitor's profile now; they must have done something."""
        answer = client.get(f"/v1/users/{quote(anonymous_id, safe='')}/profile?visitor=true&k=1")
        likeliest = {}
        for name in ATTRIBUTES:
            (first,) = answer["categories"][name]["values"]
            likeliest[name] = (first["value"], first["probability"], first["deviation"])
        price = answer["numbers"]["price"]
        return cls(likeliest, (price["mean"], price["deviation"]))

    def words(self) -> list[str]:
        """Such as `SUV 62% ± 11`, one an attribute, and the price in thousands of euros."""
        said = [f"{value} {p:.0%} ± {100 * d:.0f}" for value, p, d in self.likeliest.values()]
        mean, deviation = self.price
        return [*said, f"{mean / 1000:.1f} ± {deviation / 1000:.1f}"]

    def plain(self) -> dict[str, list[Any]]:
        """For programs."""
        return {name: list(found) for name, found in self.likeliest.items()} | {
            "price": list(self.price)
        }


def sharpening(
    click: int, profile: Profile | None, delight: float, milliseconds: float
) -> list[object]:
    """The row after some clicks, but for what is clicked next; nobody is known before the first."""
    words = ["-"] * (len(ATTRIBUTES) + 1) if profile is None else profile.words()
    return [click, *words, f"{delight:.2f}", f"{milliseconds:.0f} ms"]


def sharpening_table(rows: Sequence[Sequence[object]]) -> str:
    """Rows of `sharpening`, each with what was clicked next."""
    headers = ["clicks", *ATTRIBUTES, "k€", "delight", "asked", "then"]
    return table(headers, rows, widest=WIDEST)


def truth_line(wanted: Mapping[str, tuple[str, float]]) -> str:
    """What the visitor wants, in the words of the profile."""
    return ", ".join(f"{value} {share:.0%}" for value, share in wanted.values())


def curl_lines(url: str, visitor: str) -> str:
    """What to type next."""
    return "\n".join(
        [
            f"curl -s '{url}/v1/users/{visitor}/profile?visitor=true&k=3'",
            f"curl -s {url}/v1/recommendations -H 'content-type: application/json' \\",
            f"""  -d '{{"anonymous_id": "{visitor}", "k": 5, "filters": {{"body": "SUV"}}}}'""",
        ]
    )
