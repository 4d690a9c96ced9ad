"""`POST /v1/users/{user_id}/identify`: the visitor's history is the user's."""

from __future__ import annotations

from typing import Any

import pytest

from palate.testing.service import InProcessService

PATH = "/v1/users/ann%2F1/identify"


def visit(item: str) -> dict[str, Any]:
    return {"event": "click", "anonymous_id": "v", "item_id": item}


def items_of(service: InProcessService, user: str) -> list[str]:
    answered = service.request("GET", f"/v1/users/{user}")
    return [event["item_id"] for event in answered.json.get("events", [])][::-1]


def test_before_and_after(service: InProcessService) -> None:
    service.request("POST", "/v1/events", [visit("c1"), visit("c2")])
    answered = service.request("POST", PATH, {"anonymous_id": "v"})
    assert answered.status == 200
    assert answered.json == {"user_id": "ann/1", "anonymous_id": "v"}
    service.request("POST", "/v1/events", [visit("c3")])
    for _ in range(2):  # a repetition adds nothing
        assert items_of(service, "ann%2F1") == ["c1", "c2", "c3"]
        service.request("POST", PATH, {"anonymous_id": "v"})


def test_whoever_asks_as_the_visitor_is_the_user(service: InProcessService) -> None:
    def slate(**who: str) -> list[str]:
        answered = service.request("POST", "/v1/recommendations", {"k": 3, **who})
        return [item["item_id"] for item in answered.json["items"]]

    service.request("POST", "/v1/events", [visit("c1")])
    as_visitor = slate(anonymous_id="v")
    service.request("POST", PATH, {"anonymous_id": "v"})
    assert slate(user_id="ann/1") == as_visitor
    assert slate(anonymous_id="v") == as_visitor
    assert slate(anonymous_id="v", user_id="ann/1") == as_visitor  # not counted twice
    assert slate(anonymous_id="v", user_id="nobody") == slate(user_id="nobody")


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"anonymous_id": ""}, 422), ({"anonymous_id": 7}, 422), (b"{", 400)],
)
def test_bad_bodies(service: InProcessService, body: Any, status: int) -> None:
    assert service.request("POST", PATH, body).status == status


def test_a_visitor_whose_id_no_log_takes(service: InProcessService) -> None:
    assert service.request("POST", PATH, {"anonymous_id": "a\u0000b"}).status == 422
