"""`/v1/items`: the catalogue is what was put, and a change shows at once."""

from __future__ import annotations

import pytest

from palate.testing.service import InProcessService

BODY = {"attributes": {"genre": "comedy", "price": 2, "colour": "red"}}


def test_what_was_put_is_got(service: InProcessService) -> None:
    put = service.request("PUT", "/v1/items/new", BODY)
    assert put.status == 200
    assert put.json == {"item_id": "new", **BODY, "hidden": False}
    assert service.request("GET", "/v1/items/new").json == put.json
    service.request("PUT", "/v1/items/new", {"hidden": True})
    assert service.request("GET", "/v1/items/new").json == {
        "item_id": "new", "attributes": {}, "hidden": True
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "item_id"),
    [
        ("a%2Fb", "a/b"),
        ("a%2Fsimilar", "a/similar"),
        ("%C3%A9t%C3%A9", "été"),
        ("a%20b%3Fc%23d%25e", "a b?c#d%e"),
        ("%2E%2E", ".."),
    ],
)
def test_an_id_may_hold_anything(service: InProcessService, path: str, item_id: str) -> None:
    assert service.request("PUT", f"/v1/items/{path}", BODY).json["item_id"] == item_id
    assert service.request("GET", f"/v1/items/{path}").json["item_id"] == item_id
    assert service.request("GET", f"/v1/items/{path}/similar").json["item_id"] == item_id
    assert service.request("DELETE", f"/v1/items/{path}").status == 200
    assert service.request("GET", f"/v1/items/{path}").status == 404


def test_a_deleted_item_is_gone_and_can_come_back(service: InProcessService) -> None:
    assert service.request("DELETE", "/v1/items/c0").status == 200
    assert service.request("GET", "/v1/items/c0").status == 404
    assert service.request("GET", "/v1/items/c0/similar").status == 404
    assert service.request("DELETE", "/v1/items/c0").status == 200, "twice is well"
    service.request("PUT", "/v1/items/c0", BODY)
    assert service.request("GET", "/v1/items/c0").status == 200


def test_deleting_what_nobody_knows_is_a_problem(reading: InProcessService) -> None:
    assert reading.request("DELETE", "/v1/items/unheard").status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_while_the_writer_is_away_a_change_is_refused(
    service: InProcessService, method: str
) -> None:
    service.writer.connected = False
    body = BODY if method == "PUT" else None
    answered = service.request(method, "/v1/items/c0", body)
    assert answered.status == 503
    assert answered.headers["retry-after"] == "1"
    assert answered.headers["content-type"] == "application/problem+json"
    assert service.request("GET", "/v1/items/c0").status == 200, "reads go on"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("x", {"attributes": {"price": "dear"}}, 422),
        ("x", {"attributes": {"genre": ["a"]}}, 422),
        ("x", {"attributes": {"hidden": True}}, 422),
        ("x", {"attributes": {"n": 2**70}}, 422),
        ("x", {"attributes": []}, 422),
        ("x", {"price": 3}, 422),
        ("x", {"hidden": "yes"}, 422),
        ("x", b"{", 400),
        ("x" * 501, {}, 422),
        ("%00", {}, 422),
        ("%FF", {}, 400),
        ("", {}, 404),
        ("a/b", {}, 404),
    ],
)
def test_a_bad_put_is_a_problem(
    reading: InProcessService, path: str, body: object, status: int
) -> None:
    answered = reading.request("PUT", f"/v1/items/{path}", body)
    assert answered.status == status, answered.body
    assert answered.headers["content-type"] == "application/problem+json"


def test_pages_follow_one_another_to_the_end(service: InProcessService) -> None:
    service.request("DELETE", "/v1/items/c1")
    service.request("PUT", "/v1/items/c2", {"hidden": True})
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = service.request("GET", f"/v1/items?limit=4{cursor}").json
        seen += [item["item_id"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert seen == sorted({f"{kind}{n}" for kind in "cd" for n in range(6)} - {"c1"})


def test_an_empty_catalogue_is_one_empty_page(empty_service: InProcessService) -> None:
    assert empty_service.request("GET", "/v1/items").json == {"items": [], "next": None}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=", "cursor=%21", "cursor=_w", "cursor="]
)
def test_a_bad_page_is_a_problem(reading: InProcessService, query: str) -> None:
    assert reading.request("GET", f"/v1/items?{query}").status == 422


def test_similar_items_are_of_one_genre(reading: InProcessService) -> None:
    answered = reading.request("GET", "/v1/items/c0/similar?k=5").json
    assert answered["release"] == "taste:1"
    assert {item["item_id"] for item in answered["items"]} == {"c1", "c2", "c3", "c4", "c5"}
    dear = reading.request(
        "GET", "/v1/items/c0/similar?k=5&filters=%7B%22price%22%3A%7B%22min%22%3A4%7D%7D"
    )
    assert [i["item_id"] for i in dear.json["items"]][:2] in (["c4", "c5"], ["c5", "c4"])


def test_a_deleted_item_is_similar_to_none(service: InProcessService) -> None:
    service.request("DELETE", "/v1/items/c1")
    found = service.request("GET", "/v1/items/c0/similar?k=12").json["items"]
    assert "c1" not in {item["item_id"] for item in found}


def test_an_item_newer_than_the_release_has_no_similar_ones_yet(service: InProcessService) -> None:
    service.request("PUT", "/v1/items/new", BODY)
    assert service.request("GET", "/v1/items/new/similar").json["items"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("unheard/similar", 404),
        ("c0/similar?k=0", 422),
        ("c0/similar?k=51", 422),
        ("c0/similar?filters=%7B", 400),
        ("c0/similar?filters=7", 422),
        ("c0/similar?release=unheard", 404),
        ("c0/similar?release=taste:3", 409),
        ("c0/similar?release=canary", 409),
    ],
)
def test_similar_problems(reading: InProcessService, path: str, status: int) -> None:
    answered = reading.request("GET", f"/v1/items/{path}")
    assert answered.status == status, answered.body


def test_popular_items_come_in_order(reading: InProcessService) -> None:
    answered = reading.request("GET", "/v1/popular?k=3").json
    assert answered["degraded"] is False
    assert answered["items"][0] == {"item_id": "d0", "score": 8.0}
    assert [item["score"] for item in answered["items"]] == [8, 5, 5]
    assert len(reading.request("GET", "/v1/popular").json["items"]) == 10


def test_popular_items_without_a_release_are_the_newest(empty_service: InProcessService) -> None:
    empty_service.request("PUT", "/v1/items/a", {})
    empty_service.context.catalogue.follow()
    answered = empty_service.request("GET", "/v1/popular").json
    assert answered["degraded"] is True
    assert answered["release"] is None
    assert [item["item_id"] for item in answered["items"]] == ["a"]
