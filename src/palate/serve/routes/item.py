"""`/v1/items/{item_id}`: one item of the catalogue; a change shows in the next answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED
from palate.features.item_state import HIDDEN
from palate.serve.changes import change
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.guard import caller_of
from palate.serve.messages import ItemBody, ItemDocument
from palate.serve.problem import ProblemError
from palate.serve.reading import answer, decode, read_body, read_id
from palate.store.key import Scope

__all__ = ["ENDPOINT", "item_document"]

_decoder = msgspec.json.Decoder(ItemBody)


def item_document(item_id: str, attributes: Mapping[str, Any]) -> ItemDocument:
    """An item as answers show it: `hidden` stands beside its attributes."""
    shown = {name: value for name, value in attributes.items() if name != HIDDEN}
    return ItemDocument(item_id=item_id, attributes=shown, hidden=attributes.get(HIDDEN) is True)


async def get_item(context: Context, request: Request) -> Response:
    """Answers with the item, hidden ones included."""
    item_id = read_id(request, "item_id")
    return answer(item_document(item_id, _live(context, item_id)))


async def put_item(context: Context, request: Request) -> Response:
    """Adds the item, replaces it, or brings a deleted one back."""
    item_id = read_id(request, "item_id")
    body = decode(_decoder, await read_body(request, context.settings.serve.max_body_bytes))
    if HIDDEN in body.attributes:
        raise ProblemError(422, "impossible-attributes", f"{HIDDEN} stands beside `attributes`")
    attributes = {**body.attributes, HIDDEN: True} if body.hidden else body.attributes
    event = {"event": ITEM_UPSERTED, "item_id": item_id, "attributes": attributes}
    await change(context, event, by=caller_of(request).who)
    return answer(item_document(item_id, attributes))


async def delete_item(context: Context, request: Request) -> Response:
    """Deletes the item: it is in no answer of any worker from now on.

    An item that only a release knows can be deleted too, and deleting twice is well.
    """
    item_id = read_id(request, "item_id")
    known = context.state.item(item_id)
    listed = context.shelf.view.listed()
    if known is None and not any(item_id in loaded.model.vocabulary for loaded in listed):
        raise _unknown(item_id)
    event = {"event": ITEM_DELETED, "item_id": item_id}
    await change(context, event, by=caller_of(request).who)
    return answer(item_document(item_id, known.attributes if known is not None else {}))


def _live(context: Context, item_id: str) -> Mapping[str, Any]:
    known = context.state.item(item_id)
    if known is None or known.deleted:
        raise _unknown(item_id)
    return known.attributes


def _unknown(item_id: str) -> ProblemError:
    return ProblemError(404, "unknown-item", f"there is no item {item_id!r}")


ENDPOINT: Final = Endpoint(
    "/v1/items/{item_id}",
    "item",
    (
        Operation(
            "GET",
            "One item",
            get_item,
            ItemDocument,
            scopes=(Scope.READ,),
            problems=(400, 404, 422),
        ),
        Operation(
            "PUT",
            "Add or replace an item",
            put_item,
            ItemDocument,
            scopes=(Scope.WRITE,),
            body=ItemBody,
            problems=(400, 413, 415, 422, 503),
        ),
        Operation(
            "DELETE",
            "Delete an item",
            delete_item,
            ItemDocument,
            scopes=(Scope.WRITE,),
            problems=(400, 404, 422, 503),
        ),
    ),
)
