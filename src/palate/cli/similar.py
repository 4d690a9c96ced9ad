"""`palate similar`: the items nearest to one, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from palate.cli.answers import ReleaseOption, open_answers, slate_rows, titles
from palate.cli.apps import command_app
from palate.cli.layout import table
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

__all__ = ["app", "similar"]

app = command_app()


@app.command()
def similar(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(help="An item id.")],
    *,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many.")] = 10,
    release: ReleaseOption = None,
) -> None:
    """Show the items nearest to ITEM."""
    session = session_of(ctx)
    with open_answers(Workspace(session.settings), release) as answers:
        found = answers.recommendations.similar(item, k)
        names = titles(answers.state, [item, *(near.item_id for near in found.items)])
    if item in names:
        session.terminal.say(f"near to {names[item]}:")
    session.terminal.answer(
        {
            "item_id": item,
            "title": names.get(item),
            "release": found.release,
            "items": [
                {"item_id": near.item_id, "title": names.get(near.item_id), "score": near.score}
                for near in found.items
            ],
        },
        table(*slate_rows(found.items, names), widest=60) if found.items else "no item is near",
    )
