"""Where candidates come from: one source a file, chosen by its `kind`."""

from palate.pipeline.sources.attributes import Attributes
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.sources.neighbours import Neighbours
from palate.pipeline.sources.new import New
from palate.pipeline.sources.popular import Popular
from palate.pipeline.sources.probe import Probe
from palate.pipeline.sources.similar_to_recent import SimilarToRecent

__all__ = [
    "Attributes",
    "Neighbours",
    "New",
    "Popular",
    "Probe",
    "SimilarToRecent",
    "SourceSettings",
]
