"""Which release answers a question, and why that is less than what was meant to."""

from __future__ import annotations

from dataclasses import dataclass

from palate.serve.shelf import Loaded, Shelf, Waiting

__all__ = ["Answering", "answering"]


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers; a request takes it once.

    Attributes:
        loaded: The release; None where none is loaded, or all that is has to wait.
        why: Why it is not what was meant to answer; empty for what was.
        waiting: The release that would answer if it had not to wait.
    """

    loaded: Loaded | None
    why: str = ""
    waiting: Waiting | None = None

    @property
    def listed(self) -> Loaded | None:
        """Whose popular items stand in lists: they need neither index nor profiles."""
        if self.loaded is None and self.waiting is not None:
            return self.waiting.loaded
        return self.loaded

    @property
    def ref(self) -> str | None:
        """`name:version` of what answers."""
        return None if self.loaded is None else self.loaded.ref


def answering(shelf: Shelf, release: str | None, alias: str | None, default: str) -> Answering:
    """What answers a question.

    Args:
        shelf: What is loaded.
        release: That the question names, or an alias; None for none.
        alias: That the surface follows; None for `default`.
        default: The service's own alias, which answers for others that cannot.

    Raises:
        UnknownReleaseError: The question names a release that does not exist.
        ReleaseNotLoadedError: It names one that is not loaded, or waits.
    """
    if release is not None:
        if release not in shelf.view.waiting:
            return Answering(shelf.find(release))
        alias = release
    view, asked = shelf.view, default if alias is None else alias
    if asked in view.aliases:
        return Answering(view.aliases[asked])
    instead = view.aliases.get(default)
    waiting = view.waiting.get(asked)
    if waiting is None and instead is None:
        waiting = view.waiting.get(default)
    if waiting is not None:
        return Answering(instead, str(waiting), waiting)
    return Answering(instead, f"the alias {asked} names nothing that is loaded")
