"""Compiled loops of the rerankers."""
