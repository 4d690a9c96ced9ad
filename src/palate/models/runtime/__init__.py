"""Layers of trained nets, in numpy: what scores where torch is not installed."""
