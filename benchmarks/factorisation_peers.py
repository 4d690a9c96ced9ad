"""The libraries that the factorisation models are compared with, each in its own environment."""

from __future__ import annotations

from peers import Peer

__all__ = ["CORNAC", "IMPLICIT", "IRSPACK", "SURPRISE"]

PYTHONS = ("3.11", "3.12")

IMPLICIT = Peer("implicit", "0.7.3", ("numpy>=2,<3", "scipy>=1.13,<2"), pythons=PYTHONS)
IRSPACK = Peer("irspack", "0.5.2", ("numpy>=2,<3", "scipy>=1.13,<2"), pythons=PYTHONS)
SURPRISE = Peer("scikit-surprise", "1.1.5", ("numpy>=2,<3", "pandas>=2.2,<3"), pythons=PYTHONS)
CORNAC = Peer("cornac", "3.0.1", ("scipy>=1.13,<2",), pythons=PYTHONS)
