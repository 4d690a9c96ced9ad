"""Palate: a recommender system that a small team can put into production."""

__version__ = "0.1.0"
