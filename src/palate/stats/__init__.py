"""Intervals and paired tests: how sure a difference between models is."""

from palate.stats.bootstrap import bootstrap_difference, bootstrap_mean, bootstrap_means
from palate.stats.correction import holm
from palate.stats.interval import Interval, wilson
from palate.stats.paired import PairedTest, paired_t, sign_flip, wilcoxon

__all__ = [
    "Interval",
    "PairedTest",
    "bootstrap_difference",
    "bootstrap_mean",
    "bootstrap_means",
    "holm",
    "paired_t",
    "sign_flip",
    "wilcoxon",
    "wilson",
]
