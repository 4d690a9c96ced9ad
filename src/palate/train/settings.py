"""What every deep model's training is set by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from palate.hyperparameters import ModelConfig

__all__ = ["TrainConfig"]


class TrainConfig(ModelConfig):
    """The loop's settings; a deep model's config extends it with the paper's symbols.

    A model may change a default, never a meaning.
    """

    epochs: int = Field(default=20, ge=1, description="Most passes over the training rows.")
    batch_size: int = Field(default=1024, ge=1, description="Rows a step, of all processes.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Of Adam (there alpha).")
    weight_decay: float = Field(
        default=0.0, ge=0, description="Decoupled from the gradient, as in AdamW; 0 is Adam."
    )
    patience: int = Field(
        default=3,
        ge=0,
        description="Epochs without a better validation value before it stops; 0 never stops.",
    )
    clip_norm: float = Field(
        default=0.0, ge=0, description="Largest norm of all gradients together; 0 is no bound."
    )
    precision: Literal["float32", "bfloat16", "auto"] = Field(
        default="float32",
        description="bfloat16: products in bfloat16 where it is safe, weights in float32; auto: "
        "that where the processor has instructions for it, else float32.",
    )
    checkpoint_steps: int = Field(
        default=0, ge=0, description="Steps between checkpoints within an epoch; 0: at its end."
    )
    seed: int = Field(default=42, ge=0, description="Of starts, orders, draws and dropout.")
