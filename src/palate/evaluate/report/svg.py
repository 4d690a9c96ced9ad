"""Small builders of inline SVG: escaped elements, scales and ticks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["Linear", "Logarithmic", "chart", "element", "log_ticks", "nice_ticks", "text"]

Attributes = Mapping[str, str | float | int]


def element(name: str, attributes: Attributes, *children: str) -> Markup:
    """`<name attributes>children</name>`; whatever is not `Markup` is escaped.

    >>> element("text", {"x": 1.25, "class": "a"}, "<b>")
    Markup('<text x="1.25" class="a">&lt;b&gt;</text>')
    """
    inside = Markup("").join(children)
    written = Markup("").join(
        Markup(' {}="{}"').format(key, _number(value)) for key, value in attributes.items()
    )
    return Markup("<") + name + written + Markup(">") + inside + Markup("</") + name + Markup(">")


def text(x: float, y: float, words: str, css: str = "", *, anchor: str = "start") -> Markup:
    """A line of text; `anchor` is start, middle or end."""
    return element("text", {"x": x, "y": y, "class": css, "text-anchor": anchor}, words)


def chart(width: float, height: float, label: str, *children: str) -> Markup:
    """A whole picture with its description for screen readers.

    Args:
        width: Units of the view box; CSS decides the size on screen.
        height: The same.
        label: What the picture says, in words.
        children: Elements, back to front.
    """
    return element(
        "svg",
        {
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-label": label,
        },
        *children,
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """Values from `low` to `high` onto pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """The place of `value`; the middle where all values are one.

        >>> Linear(0, 10, 100, 200)(5)
        150.0
        """
        if self.high <= self.low:
            return (self.start + self.stop) / 2
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """Positive values from `low` to `high` onto pixels, equal ratios equally far apart."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """The place of `value`.

        >>> round(Logarithmic(1, 100, 0, 10)(10), 9)
        5.0
        """
        scale = Linear(math.log(self.low), math.log(self.high), self.start, self.stop)
        return scale(math.log(max(value, self.low)))


def nice_ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Round values within [low, high], at most about `most`.

    >>> nice_ticks(0.0, 0.47)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within [low, high]; 1, 2 and 5 of each where those are too few.

    >>> log_ticks(0.02, 30)
    [0.1, 1.0, 10.0]
    """
    powers: Sequence[int] = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for units in ((1,), (1, 2, 5)):
        ticks = [float(f"{unit}e{power}") for power in powers for unit in units]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) >= 3:
            break
    return within


def _number(value: str | float | int) -> str:
    """Two decimals are a fiftieth of a pixel: enough, and the file stays small."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
