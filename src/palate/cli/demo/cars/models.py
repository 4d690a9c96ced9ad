"""The demo's model: the real-time nets where torch is installed, similar attributes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from palate.cli.model_options import build_model

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.models.base import Recommender

__all__ = ["Choice", "choose_model"]

NETS: Final = "realtime"
PLAIN: Final = "contentknn"
_NEEDED: Final = ("torch", "onnx", "onnxruntime")

# Cars come and go: an id has an event or two, so the nets read attributes alone, and few events
# are no dislike. Most visitors are new, so half of what is learned from is cut to a few events.
_SETTINGS: Final = """
[profile]

[models.realtime]
epochs = 6
validation = 0.0
ids = false
exposure = 1.0
short = 0.5
"""
_SURFACE: Final = """
[surfaces.home]
k = 20
budget_ms = 200
sources = [
  { kind = "neighbours", depth = 200 },
  { kind = "similar_to_recent", depth = 100, recent = 5 },
  { kind = "popular", depth = 30 },
]
score = "sources"   # so short a training is enough for the two towers, not for the rank net
rerank = [{ kind = "spread", attribute = "dealer", most = 5 }]
"""


@dataclass(frozen=True)
class Choice:
    """What answers in the demo.

    Attributes:
        model: Its name.
        surface: Asked for; None asks the model alone.
        settings: Tables for the demo's `palate.toml`.
    """

    model: str
    surface: str | None
    settings: str

    @property
    def knows_new_cars(self) -> bool:
        """Whether a car that was listed after training can be recommended."""
        return self.surface is not None

    def build(self, settings: Settings) -> Recommender[Any]:
        """The model, not yet fitted."""
        return build_model(self.model, settings)


def choose_model() -> Choice:
    """The nets and a surface of their own where they can be trained, else the plain model."""
    if all(find_spec(needed) is not None for needed in _NEEDED):
        return Choice(NETS, "home", _SETTINGS + _SURFACE)
    return Choice(PLAIN, None, _SETTINGS)
