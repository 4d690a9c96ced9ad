"""What the rank net reads of a request beside the two embeddings, and proof of what it read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from palate.pipeline.parts import Attributes
from palate.pipeline.person import Person
from palate.serve.spaces import ServedNets
from palate.types import Float32Array

__all__ = ["Moment"]


class Moment:
    """Request features of one release's nets.

    Args:
        nets: Theirs. Nets without `request_features` read none.

    Attributes:
        fingerprint: 16 hexadecimal digits of what the nets read: names of profile and features.
    """

    def __init__(self, nets: ServedNets) -> None:
        layout: Any = nets.layout
        names: Sequence[str] = getattr(nets, "features", ())
        profile = "" if layout is None else "\n".join(layout.names)
        said = "\0".join((profile, *names))
        self.fingerprint: str = hashlib.sha256(said.encode()).hexdigest()[:16]
        self._nets: Any = nets
        self._width = len(names)

    def rows(
        self,
        person: Person,
        attributes: Attributes,
        context: Mapping[str, Any] | None,
    ) -> Float32Array:
        """(n, f) float32: the moment, the same for each of n items."""
        if not self._width:
            return np.empty((len(attributes), 0), np.float32)
        found: Float32Array = self._nets.request_features(context, len(attributes))
        return found

    def digest(self, person: Person, features: Float32Array | None) -> str:
        """16 hexadecimal digits of the values that the nets read for a slate.

        Args:
            person: Whose profile.
            features: (n, f) of the slate's items; None for none.
        """
        said = hashlib.blake2b(digest_size=8)
        for values in (person.profile, features):
            said.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
        return said.hexdigest()
