"""What a net learns from: rows in memory, or rows streamed from disk."""

from palate.train.batches.arrays import ArrayBatches
from palate.train.batches.base import Batch, Batches, Located, Prepare
from palate.train.batches.parquet import FramePrepare, ParquetBatches

__all__ = [
    "ArrayBatches",
    "Batch",
    "Batches",
    "FramePrepare",
    "Located",
    "ParquetBatches",
    "Prepare",
]
