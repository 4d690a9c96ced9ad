"""Why a loss is not a number: the likely cause, and the rows that were under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from palate.errors import TrainError
from palate.train.batches.base import Batch, Batches, Located
from palate.train.state import TrainState

__all__ = ["not_finite"]

_OVERFLOW: Final = (
    (
        "batch and weights are finite, so the net or the loss overflows: an exponential, a "
        "division by zero or a logarithm of zero"
    ),
    (
        "give the loss logits rather than probabilities, lower learning_rate, set clip_norm to 1, "
        "or use precision = 'float32'"
    ),
)


def not_finite(
    loss: float,
    state: TrainState,
    net: nn.Module,
    batch: Batch,
    source: Batches,
    folder: Path | None,
) -> TrainError:
    """The error to raise for a loss that is NaN or infinite; weights are as before the batch.

    Args:
        loss: What it was.
        state: Where training stands; the batch is `state.batch`.
        net: Whose weights are looked at.
        batch: That gave the loss.
        source: Where the batch came from.
        folder: Of checkpoints; the batch is written there, `batch-STEP.npz`. None: nowhere.
    """
    rows = source.rows(state.epoch, state.batch) if isinstance(source, Located) else None
    cause, hint = _cause(net, batch)
    step = state.steps + 1
    written = "" if folder is None else f"; its batch is in {_write(folder, step, batch, rows)}"
    return TrainError(
        f"the loss is {loss} in epoch {state.epoch}, step {step}: {cause}{written}",
        hint=hint,
        epoch=state.epoch,
        step=step,
        rows=() if rows is None else tuple(int(row) for row in rows),
    )


def _cause(net: nn.Module, batch: Batch) -> tuple[str, str]:
    """What is likely to be wrong, and what to do about it."""
    for number, part in enumerate(batch):
        bad = _bad_rows(part)
        if len(bad):
            where = f"{len(bad)} of its {len(part)} rows, the first at {int(bad[0])}"
            return (
                f"part {number} of the batch holds NaN or infinity in {where}",
                "clean these rows, or let the feature columns fill what is missing",
            )
    for name, weights in net.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            return (
                f"the weights {name!r} are no longer finite, so the step before went too far",
                "lower learning_rate, or set clip_norm to 1",
            )
    return _OVERFLOW


def _bad_rows(part: torch.Tensor) -> NDArray[np.int64]:
    """Rows of a tensor that hold something that is not finite."""
    if not part.is_floating_point() or part.ndim == 0 or part.numel() == 0:
        return np.empty(0, np.int64)
    finite = torch.isfinite(part).reshape(len(part), -1).all(dim=1)
    return np.flatnonzero(~finite.numpy())


def _write(folder: Path, step: int, batch: Batch, rows: NDArray[np.int64] | None) -> Path:
    """Keep the batch: `part_0`, `part_1` ... and, where they are known, its `rows`."""
    arrays: dict[str, Any] = {f"part_{i}": part.numpy() for i, part in enumerate(batch)}
    if rows is not None:
        arrays["rows"] = rows
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"batch-{step}.npz"
    np.savez(path, **arrays)
    return path
