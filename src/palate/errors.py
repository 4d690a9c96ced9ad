"""Every error that Palate raises on purpose: what was wrong, where, and what to do."""

from __future__ import annotations

__all__ = [
    "BundleError",
    "ConfigError",
    "DataError",
    "EventError",
    "LogError",
    "MissingExtraError",
    "NotFittedError",
    "PalateError",
    "PluginError",
    "ReleaseError",
    "StoreError",
    "TrainError",
    "UnknownItemError",
    "UnknownReleaseError",
    "UnknownUserError",
    "UnsupportedError",
]


class PalateError(Exception):
    """Base of all errors that a user can cause or mend.

    Args:
        message: What was wrong and where, in plain words.
        hint: What to do about it; shown on a line of its own by the command line.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class ConfigError(PalateError):
    """A setting, a model's config or a command's option has an impossible value."""


class DataError(PalateError):
    """Input data are malformed: wrong columns, mixed types, NaN, nothing left."""


class EventError(DataError):
    """An event cannot be accepted."""


class NotFittedError(PalateError):
    """A model was asked for answers before `fit` or `load`."""


class UnsupportedError(PalateError):
    """The model or adapter cannot do this by its nature; the hint names one that can."""


class UnknownItemError(PalateError):
    """An item id is not in the vocabulary or the catalogue."""


class UnknownUserError(PalateError):
    """A user id has no state."""


class TrainError(PalateError):
    """Training cannot go on, or not from this checkpoint.

    Args:
        message: What happened, where, and the likely cause.
        hint: What to do about it.
        epoch: The epoch under way, from 1; None where none was.
        step: The optimiser's step under way, from 1, counted over all epochs.
        rows: Row numbers of the batch under way in the data, where those are known.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        epoch: int | None = None,
        step: int | None = None,
        rows: tuple[int, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.epoch = epoch
        self.step = step
        self.rows = rows


class StoreError(PalateError):
    """An online store, object store or registry refused or failed."""


class LogError(StoreError):
    """The event log refused or failed."""


class ReleaseError(PalateError):
    """A release could not be made, promoted or loaded."""


class UnknownReleaseError(ReleaseError):
    """No release or alias has this name."""


class BundleError(ReleaseError):
    """A bundle is truncated, altered, or of another format."""


class PluginError(PalateError):
    """An entry point is missing, ambiguous or broken."""


class MissingExtraError(PalateError):
    """An optional dependency is not installed; the hint is the command that installs it."""
