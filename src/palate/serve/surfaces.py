"""Surfaces of the service: `palate.pipeline` says what one is and reads it from the settings."""

from __future__ import annotations

from palate.pipeline.check import read_surfaces
from palate.pipeline.surface import DEFAULT_K, Surface, SurfaceSettings

__all__ = ["DEFAULT_K", "Surface", "SurfaceSettings", "read_surfaces"]
