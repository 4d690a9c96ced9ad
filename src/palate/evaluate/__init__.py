"""Honest judgement: protocol, compare, tune, report, recorded runs."""
