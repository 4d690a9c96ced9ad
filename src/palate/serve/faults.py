"""What a model may raise that must not end a request or a worker: models come from anywhere."""

from __future__ import annotations

from typing import Final

from palate.pipeline.course import STAGE_FAULTS

__all__ = ["MODEL_FAULTS", "ModelFaultError"]

MODEL_FAULTS: Final = STAGE_FAULTS  # a model is one more stage that came from elsewhere


class ModelFaultError(Exception):
    """A release's model failed on a request that was in order; the message is the release."""
