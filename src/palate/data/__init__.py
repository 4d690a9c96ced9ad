"""Tables become a dataset: vocabulary, histories, splits, samples, public sources."""

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary

__all__ = ["Dataset", "Histories", "Vocabulary"]
