"""Imports of optional dependencies, late and with the command to type when one is missing."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from palate.errors import MissingExtraError

__all__ = ["require"]


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which the extra `palate[extra]` installs.

    Only the absence of the top-level package counts as "not installed": an
    `ImportError` from inside an installed package is a fault and is not hidden.

    Raises:
        MissingExtraError: With the install command as its hint.
    """
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise MissingExtraError(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed",
            hint=f"pip install 'palate[{extra}]'",
        )
    return importlib.import_module(module)
