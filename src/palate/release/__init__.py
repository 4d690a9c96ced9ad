"""Immutable bundles, the registry with its aliases, the gate."""
