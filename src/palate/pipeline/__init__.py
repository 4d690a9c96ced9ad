"""Candidates become a slate: stages that each do one thing to a list of items."""
