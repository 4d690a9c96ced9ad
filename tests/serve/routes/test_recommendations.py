"""`POST /v1/recommendations`: the right slate, and what is never in it."""

from __future__ import annotations

from typing import Any

import pytest

from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.testing.service import Answered, InProcessService

PATH = "/v1/recommendations"


def ask(service: InProcessService, **question: Any) -> Answered:
    return service.request("POST", PATH, question)


def items(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.body
    return [item["item_id"] for item in answered.json["items"]]


def test_a_user_unknown_to_training_gets_what_their_clicks_say(reading: InProcessService) -> None:
    answered = ask(reading, user_id="ann", k=4)
    assert sorted(items(answered)) == ["c2", "c3", "c4", "c5"]
    assert answered.json["release"] == "taste:1"
    assert answered.json["degraded"] is False
    assert answered.headers["content-type"] == "application/json"
    scores = [item["score"] for item in answered.json["items"]]
    assert scores == sorted(scores, reverse=True)
    assert "reasons" not in answered.json["items"][0]


def test_each_answer_has_its_own_request_id(reading: InProcessService) -> None:
    ids = {ask(reading, user_id="ann").json["request_id"] for _ in range(3)}
    assert len(ids) == 3


def test_reasons_name_the_users_own_items(reading: InProcessService) -> None:
    answered = ask(reading, user_id="ann", k=4, explain=True)
    for item in answered.json["items"]:
        assert {reason["item_id"] for reason in item["reasons"]} == {"c0", "c1"}
        assert sum(reason["share"] for reason in item["reasons"]) == pytest.approx(1)


@pytest.mark.parametrize(
    "who", [{}, {"user_id": "nobody"}, {"anonymous_id": "nobody"}, {"user_id": None}]
)
def test_somebody_unknown_gets_popular_items(reading: InProcessService, who: Any) -> None:
    answered = ask(reading, **who, k=3)
    assert items(answered)[0] == "d0"
    assert answered.json["degraded"] is False
    assert answered.json["items"][0]["score"] == 8
    assert ask(reading, **who, k=1, explain=True).json["items"][0]["reasons"] == []


def test_a_user_whose_items_no_release_knows_gets_popular_items(service: InProcessService) -> None:
    service.ingest.append([Event(event="click", user_id="ben", item_id="brand-new")])
    assert items(ask(service, user_id="ben", k=1)) == ["d0"]


def test_popular_items_that_the_user_has_seen_are_left_out(service: InProcessService) -> None:
    one = Event(event="click", user_id="cas", item_id="brand-new")
    service.ingest.append([one])
    assert "d0" in items(ask(service, user_id="cas", k=12))
    service.ingest.append([Event(event="click", user_id="cas", item_id="d0")])
    assert "d0" not in items(ask(service, user_id="cas", k=12))
    assert "d0" not in items(ask(service, user_id="cas", k=12, release="canary"))


def test_a_posted_click_changes_the_next_answer(service: InProcessService) -> None:
    assert items(ask(service, user_id="dot", k=1)) == ["d0"]
    service.request("POST", "/v1/events", [{"event": "click", "user_id": "dot", "item_id": "c3"}])
    assert set(items(ask(service, user_id="dot", k=5))) == {"c0", "c1", "c2", "c4", "c5"}


def test_a_visitors_clicks_count_before_and_after_signing_in(service: InProcessService) -> None:
    service.ingest.append([Event(event="click", anonymous_id="tab-1", item_id="c0")])
    assert items(ask(service, anonymous_id="tab-1", k=1))[0].startswith("c")
    assert items(ask(service, user_id="tab-1", k=1)) == ["d0"], "a user of the same text is another"
    service.ingest.append([Event(event="click", user_id="eve", item_id="d1")])
    both = items(ask(service, user_id="eve", anonymous_id="tab-1", k=10))
    assert {"c1", "d2"} <= set(both)
    assert not {"c0", "d1"} & set(both)


def test_a_deleted_item_is_in_no_answer(service: InProcessService) -> None:
    before = items(ask(service, user_id="ann", k=4))
    service.ingest.append([Event(event=ITEM_DELETED, item_id=before[0])])
    after = items(ask(service, user_id="ann", k=4))
    assert before[0] not in after
    assert len(after) == 4, "the slate is filled from further down"
    assert after[:3] == before[1:]


def test_a_hidden_item_is_in_no_answer_until_it_is_shown_again(service: InProcessService) -> None:
    hidden = Event(event=ITEM_UPSERTED, item_id="d0", attributes={"hidden": True})
    shown = Event(event=ITEM_UPSERTED, item_id="d0", attributes={})
    service.ingest.append([hidden])
    assert "d0" not in items(ask(service, k=12))
    service.ingest.append([shown])
    assert items(ask(service, k=1)) == ["d0"]


def test_when_nearly_all_is_deleted_the_rest_is_found(service: InProcessService) -> None:
    rest = {"c5", "d5"}
    everything = [f"{kind}{n}" for kind in "cd" for n in range(6)]
    service.ingest.append(
        [Event(event=ITEM_DELETED, item_id=item) for item in everything if item not in rest]
    )
    assert set(items(ask(service, user_id="ann", k=1))) == {"c5"}
    assert set(items(ask(service, user_id="ann", k=12))) == rest
    assert set(items(ask(service, k=5))) == rest
    service.ingest.append([Event(event=ITEM_DELETED, item_id=item) for item in rest])
    assert items(ask(service, user_id="ann", k=5)) == []
    assert items(ask(service, k=5)) == []


def test_excluded_items_are_left_out_and_replaced(service: InProcessService) -> None:
    slate = items(ask(service, user_id="ann", k=3, exclude_items=["c2", "c3", "unheard-of"]))
    assert len(slate) == 3
    assert not {"c2", "c3"} & set(slate)
    assert items(ask(service, k=1, exclude_items=["d0"])) != ["d0"]


def test_filters_keep_what_passes(reading: InProcessService) -> None:
    slate = items(ask(reading, user_id="ann", k=10, filters={"price": {"max": 3}}))
    assert sorted(slate) == ["c2", "c3"]
    slate = items(ask(reading, user_id="ann", k=2, filters={"genre": "drama"}))
    assert len(slate) == 2
    assert all(item.startswith("d") for item in slate)
    assert items(ask(reading, k=3, filters={"genre": ["comedy"], "price": {"min": 5}})) == ["c5"]
    assert items(ask(reading, k=3, filters={"genre": "opera"})) == []


def test_a_filter_sees_a_change_at_once(service: InProcessService) -> None:
    dear = Event(event=ITEM_UPSERTED, item_id="c2", attributes={"genre": "comedy", "price": 99})
    service.ingest.append([dear])
    assert "c2" not in items(ask(service, user_id="ann", k=10, filters={"price": {"max": 3}}))


def test_surfaces_have_their_own_size_filter_and_release(reading: InProcessService) -> None:
    assert items(ask(reading, user_id="ann", surface="cheap")) == ["c2", "c3"]
    assert items(ask(reading, user_id="ann", surface="cheap", k=1)) == ["c2"]
    assert items(ask(reading, user_id="ann", surface="cheap", filters={"price": {"min": 3}})) == [
        "c3"
    ]
    assert ask(reading, user_id="ann", surface="canary").json["release"] == "taste:2"
    again = items(ask(reading, user_id="ann", surface="again", k=12))
    assert {"c0", "c1"} <= set(again)


def test_a_surface_whose_alias_names_nothing_is_degraded(reading: InProcessService) -> None:
    answered = ask(reading, user_id="ann", surface="missing", k=1)
    assert answered.json["release"] == "taste:1"
    assert answered.json["degraded"] is True


@pytest.mark.parametrize("release", ["taste:1", "taste:2", "stable", "canary"])
def test_a_loaded_release_can_be_asked_for(reading: InProcessService, release: str) -> None:
    answered = ask(reading, user_id="ann", release=release, k=1)
    assert answered.status == 200
    assert answered.json["release"] in {"taste:1", "taste:2"}
    assert release in {answered.json["release"], "stable", "canary"}


@pytest.mark.parametrize(
    ("release", "status"),
    [
        ("taste:3", 409),
        ("taste", 409),
        ("taste:9", 404),
        ("unheard-of", 404),
        ("", 422),
        ("a:b:c", 404),
    ],
)
def test_other_releases_are_refused(reading: InProcessService, release: str, status: int) -> None:
    answered = ask(reading, user_id="ann", release=release)
    assert answered.status == status
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json["status"] == status
    assert answered.json["instance"] == PATH


def test_without_a_release_the_newest_items_answer(empty_service: InProcessService) -> None:
    answered = ask(empty_service, user_id="ann")
    assert answered.json == {
        "request_id": answered.json["request_id"], "release": None, "degraded": True, "items": [],
        "fell_back": [{"stage": "release", "why": "the alias stable names nothing that is loaded"}],
    }  # fmt: skip
    empty_service.ingest.append(
        [Event(event=ITEM_UPSERTED, item_id=i, attributes={"genre": g})
         for i, g in (("old", "x"), ("new", "x"), ("newest", "y"))]
    )  # fmt: skip
    empty_service.context.catalogue.follow()
    assert items(ask(empty_service, user_id="ann")) == ["newest", "new", "old"]
    assert items(ask(empty_service, user_id="ann", k=1)) == ["newest"]
    assert items(ask(empty_service, k=5, filters={"genre": "x"})) == ["new", "old"]
    empty_service.ingest.append([Event(event=ITEM_DELETED, item_id="newest")])
    assert items(ask(empty_service)) == ["new", "old"], "though the catalogue has not heard yet"


def test_a_model_that_fails_is_replaced_by_popular_items(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of the model")

    monkeypatch.setattr(service.context.shelf.view.aliases["stable"].model, "top_k", broken)
    answered = ask(service, user_id="ann", k=3, explain=True)
    assert items(answered)[0] == "d0"
    assert answered.json["degraded"] is True
    assert "c0" not in items(answered)
    assert "ZeroDivisionError" in caplog.text
    assert "palate_degraded_total 1" in service.request("GET", "/metrics").body.decode()


def test_a_model_that_cannot_explain_still_answers(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(
        service.context.shelf.view.aliases["stable"].model, "explain_history", broken
    )
    answered = ask(service, user_id="ann", k=1, explain=True)
    assert answered.json["items"][0]["reasons"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"user_id": "ann"} x', 400),
        (b'{"user_id": "\xff"}', 400),
        (b'{"user_id": "\\ud800"}', 400),
        (b'{"filters": ' + b'{"a":' * 4000 + b"1" + b"}" * 4001, 413),
        (b'{"filters": {"a": ' + b"[" * 4000 + b"]" * 4000 + b"}}", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"user_id": 7}', 422),
        (b'{"user_id": ""}', 422),
        (b'{"user_id": "%s"}' % (b"x" * 501), 422),
        (b'{"k": 0}', 422),
        (b'{"k": -1}', 422),
        (b'{"k": 51}', 422),
        (b'{"k": 1e9}', 422),
        (b'{"k": 99999999999999999999999}', 422),
        (b'{"k": 1.5}', 422),
        (b'{"k": true}', 422),
        (b'{"unheard": 1}', 422),
        (b'{"surface": "unheard"}', 422),
        (b'{"filters": {"unheard": 1}}', 422),
        (b'{"filters": {"title": "C1"}}', 422),
        (b'{"filters": []}', 422),
        (b'{"exclude_items": [1]}', 422),
        (b'{"explain": "yes"}', 422),
    ],
)
def test_a_bad_question_is_a_problem(reading: InProcessService, body: bytes, status: int) -> None:
    answered = reading.request("POST", PATH, body)
    assert answered.status == status, answered.body
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json["type"].startswith("urn:palate:problem:")
    assert answered.json["detail"]
