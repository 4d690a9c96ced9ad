"""`palate recommend`: what a user should see next, without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.answers import ReleaseOption, open_answers, slate_rows, titles
from palate.cli.apps import command_app
from palate.cli.layout import table
from palate.cli.session import session_of
from palate.cli.workspace import Workspace
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.serve.messages import RecommendedItem

__all__ = ["app", "recommend"]

app = command_app()


@app.command()
def recommend(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="A user id; an unknown one gets popular items.")],
    *,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many.")] = 10,
    release: ReleaseOption = None,
    surface: Annotated[str | None, typer.Option(help="A surface of the settings.")] = None,
    filters: Annotated[
        str | None,
        typer.Option(
            "--filter", metavar="JSON", help="""Conditions: '{"genres": {"any": ["Comedy"]}}'."""
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which of the user's items speak for each.")
    ] = False,
) -> None:
    """Show what USER should see next.

    No server is needed; beside a running one, the answer is the same.
    """
    session = session_of(ctx)
    asked = _filters(filters)
    with open_answers(Workspace(session.settings), release) as answers:
        from palate.serve.messages import RecommendationRequest

        known = answers.state.user(user) is not None
        slate = answers.recommendations.recommend(
            RecommendationRequest(
                user_id=user, k=k, surface=surface, filters=asked, explain=explain
            )
        )
        ids = [item.item_id for item in slate.items]
        reasons = [r.item_id for item in slate.items for r in item.reasons or ()]
        names = titles(answers.state, list(dict.fromkeys([*ids, *reasons])))
    if not known:
        session.terminal.say(f"nothing is known of user {user!r}: these items are popular")
    headers, rows = slate_rows(slate.items, names)
    if explain:
        headers.append("because of")
        for row, item in zip(rows, slate.items, strict=True):
            row.append(_because(item, names))
    session.terminal.answer(
        {
            "user_id": user,
            "release": slate.release,
            "known": known,
            "items": [_data(item, names) for item in slate.items],
        },
        table(headers, rows, widest=60) if rows else "no item passes",
    )


def _filters(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--filter is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise ConfigError("--filter is not a JSON object")
    return parsed


def _because(item: RecommendedItem, names: dict[str, str]) -> str:
    return ", ".join(
        f"{names.get(reason.item_id, reason.item_id)} {reason.share:.0%}"
        for reason in item.reasons or ()
    )


def _data(item: RecommendedItem, names: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {"item_id": item.item_id, "score": item.score}
    if item.item_id in names:
        data["title"] = names[item.item_id]
    if item.reasons is not None:
        data["reasons"] = [
            {"item_id": r.item_id, "title": names.get(r.item_id), "share": r.share}
            for r in item.reasons
        ]
    return data
