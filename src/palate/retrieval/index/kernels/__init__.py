"""Compiled loops of the index: codes of rows, scans over them, the order of what was found, ids."""
