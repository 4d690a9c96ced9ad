"""Honest judgement: protocol, compare, tune, report, recorded runs."""

from palate.evaluate.compare import compare
from palate.evaluate.comparison import Comparison, DataCard, Pair, Row
from palate.evaluate.judge import judge
from palate.evaluate.judgement import Judgement
from palate.evaluate.protocol import Protocol
from palate.evaluate.runs import Run, Runs, open_runs
from palate.evaluate.tune import Trial, Tuning, tune

__all__ = [
    "Comparison",
    "DataCard",
    "Judgement",
    "Pair",
    "Protocol",
    "Row",
    "Run",
    "Runs",
    "Trial",
    "Tuning",
    "compare",
    "judge",
    "open_runs",
    "tune",
]
