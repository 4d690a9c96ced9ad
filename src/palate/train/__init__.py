"""The torch loop and its parts: batches, losses, samplers, optimisers, runners.

Only `palate.train.settings` may be imported where torch is not installed.
"""

from palate.train.settings import TrainConfig

__all__ = ["TrainConfig"]
