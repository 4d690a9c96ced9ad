"""Conformance classes that adapters and models inherit."""
