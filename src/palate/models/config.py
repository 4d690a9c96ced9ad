"""Hyperparameters, by the name under which models know them."""

from __future__ import annotations

from palate.hyperparameters import Choice, Dimension, ModelConfig, Range

__all__ = ["Choice", "Dimension", "ModelConfig", "Range"]
