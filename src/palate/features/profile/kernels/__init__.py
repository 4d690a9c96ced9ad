"""Compiled loops over profiles."""
