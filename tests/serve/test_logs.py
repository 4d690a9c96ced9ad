"""What the service logs: one line an entry, with the request's id, and with nobody's secrets."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from palate.config import ObserveSettings, Settings
from palate.serve.logs import REQUEST_ID, RequestLog, configure_logs
from palate.testing.service import InProcessService

UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def observing(settings: Settings, **observe: Any) -> Settings:
    return settings.model_copy(update={"observe": ObserveSettings(log_format="json", **observe)})


def test_a_request_is_one_line(
    reading: InProcessService, capfd: pytest.CaptureFixture[str]
) -> None:
    answered = reading.request("POST", "/v1/recommendations", {"user_id": "ann"})
    (line,) = lines(capfd)
    assert set(line) == {
        "time", "level", "logger", "process", "pid", "message", "request_id", "route", "status",
        "seconds",
    } - ({"process"} if "process" not in line else set())  # fmt: skip
    assert line["message"] == "POST /v1/recommendations"
    assert (line["level"], line["route"], line["status"]) == ("info", "recommendations", 200)
    assert 0 < line["seconds"] < 60
    assert line["time"].endswith("+00:00")
    assert line["request_id"] == answered.headers["x-request-id"] == answered.json["request_id"]


def test_an_id_that_was_sent_is_kept_and_slates_have_their_own(
    reading: InProcessService, capfd: pytest.CaptureFixture[str]
) -> None:
    sent = {"x-request-id": "page-7/recs:1", "content-type": "application/json"}
    slates = set()
    for _ in range(2):
        answered = reading.request("POST", "/v1/recommendations", {}, headers=sent)
        assert answered.headers["x-request-id"] == "page-7/recs:1"
        slates.add(answered.json["request_id"])
    assert len(slates) == 2
    assert [line["request_id"] for line in lines(capfd)] == ["page-7/recs:1"] * 2


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, 'a"b', "a\\b", "ä", "{}"])
def test_an_id_that_does_not_fit_a_log_is_replaced(
    reading: InProcessService, bad: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answered = reading.request("GET", "/healthz", headers={"x-request-id": bad})
    assert answered.headers["x-request-id"] != bad
    assert lines(capfd)[0]["request_id"] == answered.headers["x-request-id"]


def test_a_problem_names_the_request(reading: InProcessService) -> None:
    answered = reading.request("GET", "/v1/items/none", headers={"x-request-id": "r1"})
    assert answered.status == 404
    assert answered.json["request_id"] == "r1"


def test_neither_ids_of_people_nor_bodies_nor_keys_are_in_the_log(
    service: InProcessService, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"authorization": "Bearer secret-key", "content-type": "application/json"}
    for method, path, body in (
        ("GET", "/v1/users/secret-user", None),
        ("PUT", "/v1/users/secret-user", {"attributes": {"age": 3}}),
        ("GET", "/v1/items/secret-item?k=secret", None),
        ("POST", "/v1/recommendations", {"user_id": "secret-user"}),
        ("POST", "/v1/events", [{"event": "secret-event", "user_id": "secret-user"}]),
        ("GET", "/secret-path", None),
    ):
        service.request(method, path, body, headers=headers)
    service.context.state.close()
    service.request("GET", "/v1/users/secret-user", headers=headers)
    said = capfd.readouterr().err
    assert said.count("\n") >= 7
    assert "/v1/users/{user_id}" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("observe", "statuses"),
    [
        ({"log_requests": "all"}, [200, 503]),
        ({"log_requests": "failed"}, [503]),
        ({"log_requests": "none"}, []),
        ({"log_level": "warning"}, [503]),
        ({"log_level": "error"}, []),
        ({"log_level": "debug"}, [200, 503]),
    ],
)
def test_which_requests_are_logged(
    settings: Settings,
    observe: dict[str, str],
    statuses: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with InProcessService(observing(settings, **observe)) as service:
        service.request("GET", "/healthz")
        service.writer.connected = False
        service.request("GET", "/readyz")
    assert [line["status"] for line in lines(capfd)] == statuses


def test_a_fault_is_logged_with_its_request_and_its_traceback(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("deep inside")

    configure_logs(ObserveSettings(log_format="json"), "worker-3")
    monkeypatch.setattr(service.context.recommendations, "_surface", broken)
    with pytest.raises(KeyError):
        service.request("POST", "/v1/recommendations", {}, headers={
            "x-request-id": "r9", "content-type": "application/json"
        })  # fmt: skip
    fault, request = lines(capfd)
    assert (fault["level"], fault["process"], fault["request_id"]) == ("error", "worker-3", "r9")
    assert "Traceback" in fault["exception"]
    assert "deep inside" in fault["exception"]
    assert (request["level"], request["status"], request["request_id"]) == ("warning", 500, "r9")


def test_other_loggers_speak_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs(ObserveSettings(log_format="json"), "writer")
    logging.getLogger("somewhere").warning("a line\nand another of %s", "two")
    logging.getLogger("somewhere").debug("too quiet")
    logging.getLogger("uvicorn.error").info("too chatty")
    (line,) = lines(capfd)
    assert line["message"] == "a line\nand another of two"
    assert (line["logger"], line["process"], line["level"]) == ("somewhere", "writer", "warning")
    assert "request_id" not in line


def test_text_is_for_people_and_still_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    settings = ObserveSettings(log_format="text")
    configure_logs(settings, "worker-0")
    logging.getLogger("a").error("two\nlines")
    token = REQUEST_ID.set("r1")
    RequestLog(settings).write("GET /healthz", "healthz", 200, 0.0123)
    REQUEST_ID.reset(token)
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith(" worker-0 ERROR two\\nlines")
    assert second.endswith(" worker-0 INFO GET /healthz 200 in 12.3 ms [r1]")


def test_auto_is_json_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    RequestLog(ObserveSettings()).write("GET /healthz", "healthz", 200, 0.5)
    assert lines(capfd)[0]["status"] == 200


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    settings = ObserveSettings(log_format="json")
    configure_logs(settings, "worker-0")
    monkeypatch.setattr("os.write", full)
    logging.getLogger("a").error("lost")
    RequestLog(settings).write("GET /healthz", "healthz", 200, 0.5)
