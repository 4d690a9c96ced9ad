"""Conformance classes that adapters and models inherit."""

from palate.testing.event_log import EventLogConformance
from palate.testing.models import ModelConformance
from palate.testing.object_store import ObjectStoreConformance
from palate.testing.online_store import OnlineStoreConformance
from palate.testing.pointer import PointerConformance
from palate.testing.vector_index import VectorIndexConformance

__all__ = [
    "EventLogConformance",
    "ModelConformance",
    "ObjectStoreConformance",
    "OnlineStoreConformance",
    "PointerConformance",
    "VectorIndexConformance",
]
