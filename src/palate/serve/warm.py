"""The nets of a release run as requests do, before the first of them comes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from palate.serve.spaces import ServedNets

__all__ = ["warm_nets"]

_ITEMS: Final = 500  # ranked at once, as a surface does if nothing else is said


def warm_nets(nets: ServedNets) -> None:
    """Read a profile, embed a person and rank items; the item net is the embedder's.

    So what is compiled or loaded for it counts in the budget of no stage.
    """
    layout: Any = nets.layout
    profile = np.zeros(0, np.float32)
    if layout is not None:
        from palate.features.profile.packed import Packing

        packing = Packing(layout.definition)
        kept = packing.empty().to_bytes()
        person = packing.read(kept)  # as it is read, which is compiled apart from what was changed
        layout.vector(person, 0)
        person.add(packing.read(kept))  # a user, and the visitor who they were
        profile = layout.vector(person, 0)
    for recent in (0, 1):
        user = nets.embed_user(profile, np.zeros((recent, nets.dimension), np.float32), None)
    for n_items in (1, _ITEMS):
        nets.rank(user, np.tile(user, (n_items, 1)), None)
