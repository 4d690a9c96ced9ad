"""`palate explain`: which of a user's items speak for another, and how much."""

from __future__ import annotations

from typing import Annotated

import typer

from palate.cli.answers import ReleaseOption, open_answers, titles
from palate.cli.apps import command_app
from palate.cli.layout import table
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

__all__ = ["app", "explain"]

app = command_app()


@app.command()
def explain(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="A user id.")],
    item: Annotated[str, typer.Argument(help="An item id.")],
    *,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many reasons.")] = 5,
    release: ReleaseOption = None,
) -> None:
    """Show which of USER's items speak for ITEM."""
    session = session_of(ctx)
    with open_answers(Workspace(session.settings), release) as answers:
        score, reasons = answers.explain(user, item, k=k)
        names = titles(answers.state, [item, *(reason.item_id for reason in reasons)])
        ref = answers.loaded.ref
    session.terminal.say(f"{names.get(item, item)} scores {score:.4f} for user {user}, by {ref}")
    rows = [[r.item_id, names.get(r.item_id, ""), f"{r.share:.0%}"] for r in reasons]
    session.terminal.answer(
        {
            "user_id": user,
            "item_id": item,
            "title": names.get(item),
            "release": ref,
            "score": score,
            "reasons": [
                {"item_id": r.item_id, "title": names.get(r.item_id), "share": r.share}
                for r in reasons
            ],
        },
        table(["because of", "title", "share"], rows, widest=60)
        if rows
        else "nothing that the user did speaks for it",
    )
