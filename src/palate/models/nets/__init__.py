"""Nets as torch modules: imported by training alone, late."""
