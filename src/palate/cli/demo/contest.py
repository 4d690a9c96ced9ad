"""The demo's contest: six models on one protocol, as a small table and an HTML report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palate.cli.layout import ago, table
from palate.cli.model_options import MODELS_TO_COMPARE, build_model

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.data.dataset import Dataset
    from palate.evaluate.comparison import Comparison
    from palate.types import Progress

__all__ = ["run_contest", "standings"]

BAR = 24  # characters of the longest bar


def run_contest(dataset: Dataset, settings: Settings, progress: Progress) -> Comparison:
    """Fit and judge all of Palate's models, each with its defaults."""
    from palate.evaluate.compare import compare
    from palate.evaluate.protocol import Protocol

    models = {name: build_model(name, settings) for name in MODELS_TO_COMPARE}
    return compare(models, dataset, Protocol.from_settings(settings.evaluate), progress=progress)


def standings(comparison: Comparison) -> str:
    """One line a model: the main metric, its interval, a bar, and what fitting took."""
    protocol = comparison.protocol
    best = max(j.intervals[protocol.main].estimate for _, j in comparison.judged)
    headers = ["model", protocol.label(protocol.main), f"{protocol.level:.0%} interval", "", "fit"]
    rows = []
    for row, judgement in comparison.judged:
        found = judgement.intervals[protocol.main]
        bar = "█" * round(BAR * found.estimate / best)
        interval = f"{found.low:.4f} to {found.high:.4f}"
        rows.append([row.name, found.estimate, interval, bar, ago(row.fit_s or 0.0)])
    failed = [f"{row.name} failed: {row.error}" for row in comparison.rows if row.error]
    return "\n".join([table(headers, rows), *failed])
