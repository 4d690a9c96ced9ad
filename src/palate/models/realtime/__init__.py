"""The real-time deep recommender: user, item and rank nets over a live catalogue.

`config` says what it is set by; `items`, `ids`, `attributes` and `context` make numbers of what
is known; `events`, `examples` and `table` make rows to learn from; `nets` answers by ONNX
Runtime, with no torch; `model` is the recommender.
"""

from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.model import Realtime
from palate.models.realtime.nets import Nets

__all__ = ["Nets", "Realtime", "RealtimeConfig"]
