"""`POST /v1/events`: a verdict each, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from palate.events.dead_letters import DeadLetter
from palate.features.ingest import open_dead_letters
from palate.testing.service import InProcessService

PATH = "/v1/events"


def click(**more: Any) -> dict[str, Any]:
    return {"event": "click", "user_id": "ann", "item_id": "c2", **more}


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_batch_gets_a_verdict_each_in_order(service: InProcessService, wrapped: bool) -> None:
    batch = [
        click(event_id="one"),
        {"event": "click"},
        click(event_id="one"),
        {"event": "item.deleted", "item_id": "c0", "event_id": "mine"},
        click(event_id="late", timestamp="2200-01-01T00:00:00Z"),
        click(value="NaN"),
        7,
        click(),
    ]
    head = service.ingest.log.head()
    answered = service.request("POST", PATH, {"events": batch} if wrapped else batch)
    assert answered.status == 200
    results = answered.json["results"]
    assert [result["verdict"] for result in results] == [
        "accepted", "invalid", "duplicate", "invalid", "invalid", "invalid", "invalid", "accepted",
    ]  # fmt: skip
    assert [result["event_id"] for result in results[:6]] == ["one", "", "one", "mine", "late", ""]
    assert "user_id" in results[1]["reason"]
    assert "reserved" in results[3]["reason"]
    assert "reason" not in results[0]
    assert len(results[7]["event_id"]) == 36
    assert service.ingest.log.head() == head + 2
    recorded = [record.event.event_id for record in service.ingest.log.read(head)]
    assert recorded == ["one", results[7]["event_id"]]


def test_sending_again_changes_nothing(service: InProcessService) -> None:
    batch = [click(event_id=f"e{n}") for n in range(5)]
    service.request("POST", PATH, batch)
    head = service.ingest.log.head()
    again = service.request("POST", PATH, batch).json["results"]
    assert {result["verdict"] for result in again} == {"duplicate"}
    assert service.ingest.log.head() == head


def test_while_the_writer_is_away_events_are_to_be_sent_again(service: InProcessService) -> None:
    service.writer.connected = False
    answered = service.request("POST", PATH, [click(event_id="one"), click(), {"event": ""}])
    assert answered.status == 200
    assert answered.headers["retry-after"] == "1"
    first, second, third = answered.json["results"]
    assert (first["verdict"], first["event_id"]) == ("retry", "one")
    assert second["verdict"] == "retry"
    assert third["verdict"] == "invalid"
    service.writer.connected = True
    resent = click(event_id=second["event_id"])
    assert service.request("POST", PATH, [resent]).json["results"][0]["verdict"] == "accepted"
    counted = service.request("GET", "/metrics").body.decode()
    assert 'palate_events_total{verdict="retry"} 2' in counted
    assert 'palate_events_total{verdict="invalid"} 1' in counted
    assert 'palate_events_total{verdict="accepted"} 1' in counted


def test_an_empty_batch_is_well(reading: InProcessService) -> None:
    assert reading.request("POST", PATH, []).json == {"results": []}
    assert reading.request("POST", PATH, {"events": []}).json == {"results": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"{}", 400),
        (b"7", 400),
        (b'{"events": 7}', 400),
        (b'{"events": [], "more": 1}', 400),
        (b'[{"event": "\xff"}]', 200),
        (b"\xff", 400),
        (b"[" * 9000 + b"]" * 9000, 400),
        (b'{"events": [' + b"[" * 9000 + b"]" * 9000 + b"]}", 400),
        (b"[" + b",".join([b"{}"] * 21) + b"]", 413),
        (b'["' + b"x" * 20_000 + b'"]', 413),
    ],
)
def test_what_is_no_batch_is_a_problem(reading: InProcessService, body: bytes, status: int) -> None:
    answered = reading.request("POST", PATH, body)
    assert answered.status == status, answered.body
    if status == 200:
        assert answered.json["results"][0]["verdict"] == "invalid"
    else:
        assert answered.headers["content-type"] == "application/problem+json"


def test_a_body_without_a_length_is_cut_off_too(reading: InProcessService) -> None:
    body = b'["' + b"x" * 20_000 + b'"]'
    answered = reading.request("POST", PATH, body, headers={"content-length": ""})
    assert answered.status == 413


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_only_json_is_taken(reading: InProcessService, media_type: str) -> None:
    """A web page can post text to this machine without leave; it must not get in."""
    answered = reading.request("POST", PATH, b"[]", headers={"content-type": media_type})
    assert answered.status == 415


def test_json_with_a_charset_is_json(reading: InProcessService) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert reading.request("POST", PATH, b"[]", headers=headers).status == 200


def kept(service: InProcessService) -> list[DeadLetter]:
    with open_dead_letters(service.settings.home, service.settings, read_only=True) as letters:
        return letters.read()


def test_what_is_refused_is_kept_as_it_came(service: InProcessService) -> None:
    good = b'{"event": "click", "user_id": "u", "item_id": "c1"}'
    bad, worse = b'{"event":  5}', b"7"
    answered = service.request("POST", PATH, b"[%s,%s,%s]" % (good, bad, worse))
    reasons = [result.get("reason") for result in answered.json["results"]]
    letters = kept(service)
    assert [letter.raw for letter in letters] == [bad, worse]
    assert [letter.reason for letter in letters] == reasons[1:]
    assert {letter.source for letter in letters} == {"POST /v1/events"}
    assert all(letter.received_at > 1_700_000_000_000_000 for letter in letters)


@pytest.mark.parametrize("body", [b"{", b'{"events": 5}', b"[" * 2000, b'[{"event": "\xff"}'])
def test_a_body_that_is_no_batch_is_kept_too(service: InProcessService, body: bytes) -> None:
    assert service.request("POST", PATH, body).status == 400
    assert [letter.raw for letter in kept(service)] == [body]


def test_an_event_of_ten_megabytes_is_not_kept(service: InProcessService) -> None:
    body = b'[{"event": "click", "user_id": "%s"}]' % (b"x" * 10_000_000)
    assert service.request("POST", PATH, body).status == 413
    assert kept(service) == []


def test_refused_while_the_writer_is_away_they_wait_for_it(service: InProcessService) -> None:
    service.writer.connected = False
    answered = service.request("POST", PATH, [{"event": ""}])
    assert answered.json["results"][0]["verdict"] == "invalid"
    assert kept(service) == []
    service.writer.connected = True
    asyncio.run(service.context.outbox.flush())
    assert len(kept(service)) == 1
