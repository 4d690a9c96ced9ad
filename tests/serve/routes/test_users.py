"""`/v1/users/{user_id}`: attributes and the events that answers are made from."""

from __future__ import annotations

import pytest

from palate.events.schema import Event
from palate.testing.service import InProcessService


def test_a_user_is_what_was_put_and_what_they_did(service: InProcessService) -> None:
    put = service.request("PUT", "/v1/users/ann", {"attributes": {"age": 30}})
    assert put.status == 200
    service.ingest.append(
        [Event(event="rating", user_id="ann", item_id="c5", value=4.0, timestamp=10**15)]
    )
    got = service.request("GET", "/v1/users/ann").json
    assert got["attributes"] == {"age": 30}
    assert [event["item_id"] for event in got["events"]] == ["c1", "c0", "c5"], "newest first"
    assert got["events"][-1] == {
        "event": "rating", "item_id": "c5", "value": 4.0, "timestamp": "2001-09-09T01:46:40Z"
    }  # fmt: skip


def test_a_new_user_can_be_put(service: InProcessService) -> None:
    assert service.request("GET", "/v1/users/new%2Fone").status == 404
    put = service.request("PUT", "/v1/users/new%2Fone", {})
    assert put.json == {"user_id": "new/one", "attributes": {}, "events": []}
    assert service.request("GET", "/v1/users/new%2Fone").json == put.json


@pytest.mark.parametrize(
    ("user", "body", "status"),
    [
        ("ann", {"attributes": {"age": "old"}}, 422),
        ("ann", {"age": 3}, 422),
        ("ann", b"", 400),
        ("%FE", {}, 400),
        ("%0A", {}, 422),
    ],
)
def test_bad_users(reading: InProcessService, user: str, body: object, status: int) -> None:
    assert reading.request("PUT", f"/v1/users/{user}", body).status == status


def test_while_the_writer_is_away_a_user_is_only_read(service: InProcessService) -> None:
    service.writer.connected = False
    assert service.request("PUT", "/v1/users/ann", {}).status == 503
    assert service.request("GET", "/v1/users/ann").status == 200
