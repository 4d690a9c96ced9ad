"""Palate: a recommender system that a small team can put into production."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from palate.config import Schema, Settings, load_settings
    from palate.data.dataset import Dataset
    from palate.errors import PalateError
    from palate.evaluate.compare import compare
    from palate.evaluate.comparison import Comparison
    from palate.evaluate.judge import judge
    from palate.evaluate.protocol import Protocol
    from palate.evaluate.tune import tune
    from palate.models.base import Recommender
    from palate.models.blend import Blend
    from palate.models.contentknn import ContentKNN
    from palate.models.ease import EASE
    from palate.models.itemknn import ItemKNN
    from palate.models.popular import Popular
    from palate.models.sar import SAR
    from palate.release.registry import open_releases

__version__ = "0.1.0"

__all__ = [
    "EASE",
    "SAR",
    "Blend",
    "Comparison",
    "ContentKNN",
    "Dataset",
    "ItemKNN",
    "PalateError",
    "Popular",
    "Protocol",
    "Recommender",
    "Schema",
    "Settings",
    "__version__",
    "compare",
    "judge",
    "load_settings",
    "open_releases",
    "tune",
]

# Imported when first used, so that `import palate` stays as light as this file.
_HOMES: Final = {
    "EASE": "palate.models.ease",
    "SAR": "palate.models.sar",
    "Blend": "palate.models.blend",
    "Comparison": "palate.evaluate.comparison",
    "ContentKNN": "palate.models.contentknn",
    "Dataset": "palate.data.dataset",
    "ItemKNN": "palate.models.itemknn",
    "PalateError": "palate.errors",
    "Popular": "palate.models.popular",
    "Protocol": "palate.evaluate.protocol",
    "Recommender": "palate.models.base",
    "Schema": "palate.config",
    "Settings": "palate.config",
    "compare": "palate.evaluate.compare",
    "judge": "palate.evaluate.judge",
    "load_settings": "palate.config",
    "open_releases": "palate.release.registry",
    "tune": "palate.evaluate.tune",
}


def __getattr__(name: str) -> Any:
    """The public name, imported from its home on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'palate' has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
