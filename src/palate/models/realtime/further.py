"""What learning on from a release needs: what must stay as it was, and which rows are learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.config import Attribute
from palate.data.dataset import Dataset
from palate.errors import ConfigError, DataError
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events, outcomes_of
from palate.models.realtime.examples import example_entries
from palate.models.realtime.nets import Nets
from palate.types import BoolArray, Int64Array

__all__ = ["FIXED", "Lesson", "check_config", "check_data", "lesson"]

FIXED: Final = (
    "dimension", "hidden", "rank_hidden", "attributes", "bins", "min_count", "text", "ids",
    "id_buckets", "profile", "half_life_days", "profile_top", "recent", "heads", "context",
    "rank_context", "interaction", "tau", "rerank",
)  # fmt: skip
_ANEW: Final = "train anew: palate train realtime"
_REPLAYED: Final = 11  # what a generator is for, within its key


@dataclass(frozen=True, slots=True)
class Lesson:
    """The examples of one continuation.

    Attributes:
        new: (n,) int64 places among the events, ascending: first touches after the moment.
        replayed: (m,) int64 likewise, drawn from those before it.
    """

    new: Int64Array
    replayed: Int64Array

    def among(self, n: int) -> BoolArray:
        """(n,) bool, which of n events are learned from."""
        chosen = np.zeros(n, np.bool_)
        chosen[self.new] = chosen[self.replayed] = True
        return chosen


def lesson(events: Events, config: RealtimeConfig, since_us: int) -> Lesson:
    """What is new, and a sample of what is old, so that it is not forgotten.

    Args:
        events: Of everybody, old and new; an event without a time is old.
        config: `replay` says how many old examples stand beside a new one; `seed` draws them.
        since_us: Microseconds since 1970 UTC; what happened later is new.

    Raises:
        DataError: Nothing that can be learned from is new.

    Sources: Rolnick et al. 2019, "Experience replay for continual learning", NeurIPS (as many old
    as new); Mi et al. 2020, "ADER: adaptively distilled exemplar replay towards continual learning
    for session-based recommendation", RecSys.
    """
    late = events.histories.timestamps > since_us
    new = example_entries(events, config, late)
    if not len(new):
        raise DataError(
            "realtime has nothing new to learn from: no event after the moment given is the "
            "first of its user with its item and worth more than 0",
            hint="give an earlier moment, or wait for more to happen",
        )
    old = example_entries(events, config, ~late)
    many = min(len(old), round(config.replay * len(new)))
    rng = np.random.default_rng((config.seed, _REPLAYED))
    return Lesson(new, np.sort(rng.choice(old, many, replace=False)))


def check_config(before: RealtimeConfig, after: RealtimeConfig) -> None:
    """Refuse hyperparameters that would make other nets.

    Raises:
        ConfigError: Names the first of `FIXED` that differs.
    """
    for name in FIXED:
        was, wanted = getattr(before, name), getattr(after, name)
        if was != wanted:
            raise ConfigError(
                f"realtime was trained with {name} = {was} and cannot continue with {wanted}",
                hint=f"leave {name} as it was, or {_ANEW}",
            )


def check_data(nets: Nets, dataset: Dataset) -> None:
    """Refuse data that the nets cannot read, or that hold outcomes which they do not know.

    Raises:
        DataError: An attribute is gone or of another kind, or an event type is new.
    """
    declared = dataset.schema.items
    for name, wanted in _read_by(nets).items():
        found = declared.get(name)
        if found is not None and wanted in (None, _said(found)):
            continue
        now = "is not declared any more" if found is None else f"is a {_said(found)} now"
        raise DataError(
            f"realtime reads the items' {name!r} as a {wanted or 'text'}, but it {now}",
            hint=f"declare it as it was, or {_ANEW}",
        )
    unknown = [name for name in outcomes_of(dataset) if name not in nets.outcomes]
    if unknown:
        raise DataError(
            f"realtime gives probabilities of {', '.join(nets.outcomes)}; the data hold "
            f"{', '.join(unknown)} too",
            hint=f"give such events the weight 0, or {_ANEW}",
        )


def _read_by(nets: Nets) -> dict[str, str | None]:
    """What each attribute that ItemNet and profiles read must be; None where any kind will do."""
    encoder, layout = nets.encoder, nets.layout
    profiled = {} if layout is None else layout.definition.attributes
    specs = () if encoder.columns is None else encoder.columns.specs
    return {
        **dict.fromkeys(encoder.texts),
        **{name: _said(one) for name, one in profiled.items()},
        **{spec.column: str(spec.kind) for spec in specs},
        **{name: f"vector of {size}" for name, size in encoder.vectors},
    }


def _said(attribute: Attribute) -> str:
    """Its kind, and the size of a vector."""
    return f"vector of {attribute.size}" if attribute.size else str(attribute.kind)
