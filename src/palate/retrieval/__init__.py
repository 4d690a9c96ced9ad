"""Candidates: nearest items by vector, and other sources of what somebody may see."""
