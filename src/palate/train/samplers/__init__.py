"""Where negatives come from, and how likely each was: uniform, by popularity, in the batch."""

from palate.train.samplers.in_batch import InBatchSampler
from palate.train.samplers.popularity import PopularitySampler
from palate.train.samplers.touched import Touched
from palate.train.samplers.uniform import UniformSampler

__all__ = ["InBatchSampler", "PopularitySampler", "Touched", "UniformSampler"]
