"""Typed feature columns: rows of a table become field offsets, indices, weights and numbers."""

from palate.features.columns.columns import Columns
from palate.features.columns.encoded import Encoded
from palate.features.columns.past import past_counts, smoothed_rate
from palate.features.columns.spec import ColumnSpec, Side, specs_of

__all__ = ["ColumnSpec", "Columns", "Encoded", "Side", "past_counts", "smoothed_rate", "specs_of"]
