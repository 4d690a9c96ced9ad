"""Answers without a server: one release over the state under home, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palate.cli.workspace import Workspace
    from palate.features.state import State
    from palate.models.base import Reason
    from palate.serve.messages import RecommendedItem
    from palate.serve.recommend import Recommendations
    from palate.serve.shelf import Loaded

__all__ = ["Answers", "ReleaseOption", "open_answers", "slate_rows", "titles"]

ReleaseOption = Annotated[
    str | None, typer.Option(help="Alias, NAME:VERSION or name; the served alias by default.")
]

TITLES = ("title", "name")  # attributes that say what an item is called, the first found


class Answers:
    """What the service would answer, from the same code.

    Attributes:
        loaded: The release that answers.
        state: Users' pasts, and items as they are now.
        recommendations: Takes requests that name no release.
    """

    def __init__(self, state: State, loaded: Loaded, recommendations: Recommendations) -> None:
        self.state = state
        self.loaded = loaded
        self.recommendations = recommendations

    def explain(self, user_id: str, item_id: str, *, k: int) -> tuple[float, list[Reason]]:
        """The score of an item for a user, and which of the user's items speak for it.

        Raises:
            UnknownUserError: Nothing is known of the user.
            UnknownItemError: The release does not know the item.
            UnsupportedError: The model cannot explain.
        """
        from palate.errors import UnknownItemError, UnknownUserError
        from palate.serve.history import Past, fold

        state = self.state.user(user_id)
        if state is None:
            raise UnknownUserError(f"nothing is known of user {user_id!r}", hint=_LOOK)
        model = self.loaded.model
        row = model.vocabulary.row(item_id)
        if row < 0:
            raise UnknownItemError(f"release {self.loaded.ref} knows no item {item_id!r}")
        history = fold(Past.of(state), self.loaded)
        if not len(history):
            raise UnknownUserError(
                f"release {self.loaded.ref} knows none of the items of user {user_id!r}",
                hint="train a newer release",
            )
        score = float(model.score_histories(history)[0, row])
        return score, model.explain_history(history, row, k=k)


_LOOK = "palate events tail shows who is in the log"


@contextmanager
def open_answers(workspace: Workspace, ref: str | None) -> Iterator[Answers]:
    """Load a release and the state beside a running service, or without one.

    Args:
        workspace: Of the settings.
        ref: The served alias if None.

    Raises:
        UnknownReleaseError: No release is called so.
        BundleError: It is damaged.
        StoreError: There is no state yet.
    """
    from palate.serve.place import Place
    from palate.serve.recommend import Recommendations
    from palate.serve.shelf import Loaded, Shelf, View
    from palate.serve.surfaces import read_surfaces

    class OneRelease(Shelf):
        """A shelf that holds one release for good."""

        def __init__(self, loaded: Loaded, alias: str) -> None:
            self.view = View({alias: loaded}, {loaded.ref: loaded})

    settings = workspace.settings
    alias = settings.serve.alias
    with workspace.state() as state:
        with workspace.releases() as releases:
            loaded = Loaded.prepare(releases.load(ref or alias))
        place = Place.of(settings.schema_, read_surfaces(settings), settings.serve)
        yield Answers(state, loaded, Recommendations(state, OneRelease(loaded, alias), place))


def titles(state: State, ids: Sequence[str]) -> dict[str, str]:
    """What items are called, for those that have a title or name."""
    found = {}
    for item_id, item in zip(ids, state.item_states(list(ids)), strict=True):
        attributes = {} if item is None else item.attributes
        title = next((attributes[name] for name in TITLES if attributes.get(name)), None)
        if title is not None:
            found[item_id] = str(title)
    return found


def slate_rows(
    items: Sequence[RecommendedItem], names: dict[str, str]
) -> tuple[list[str], list[list[object]]]:
    """Headers and rows of a slate: a title column where there are titles."""
    if not names:
        return ["#", "item", "score"], [
            [rank, item.item_id, item.score] for rank, item in enumerate(items, 1)
        ]
    return ["#", "item", "title", "score"], [
        [rank, item.item_id, names.get(item.item_id, ""), item.score]
        for rank, item in enumerate(items, 1)
    ]
