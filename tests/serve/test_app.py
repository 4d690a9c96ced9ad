"""The application around its routes: keys, problems, probes, counters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from palate.config import Settings
from palate.events.log.sqlite import SqliteEventLog
from palate.store.key import Scope
from palate.testing.service import InProcessService


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/items/", 404),
        ("GET", "/v1//items", 404),
        ("GET", "/v1/recommendations", 405),
        ("DELETE", "/v1/items", 405),
        ("PATCH", "/v1/items/c0", 405),
        ("GET", "/%FF", 404),
    ],
)
def test_no_such_route_or_method(
    reading: InProcessService, method: str, path: str, status: int
) -> None:
    answered = reading.request(method, path)
    assert answered.status == status
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json["instance"] == path
    assert (status == 405) == ("allow" in answered.headers)


def test_probes_say_what_answers(service: InProcessService) -> None:
    assert service.request("GET", "/healthz").json == {"status": "ok"}
    ready = service.request("GET", "/readyz")
    assert ready.json == {"release": "taste:1", "writer": True, "status": "ready"}
    assert service.request("HEAD", "/readyz").status == 200
    assert service.request("GET", "/startupz").json == {"status": "ok"}


def test_releases_say_who_names_them_and_what_is_loaded(reading: InProcessService) -> None:
    found = reading.request("GET", "/v1/releases").json["releases"]
    assert [(r["release"], r["model"], r["aliases"], r["loaded"]) for r in found] == [
        ("taste:3", "ease", [], False),
        ("taste:2", "popular", ["canary"], True),
        ("taste:1", "sar", ["stable"], True),
    ]


@pytest.mark.parametrize(
    ("template", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("Basic {first}", 401),
        ("{first}", 401),
        ("Bearer {first}x", 401),
        ("Bearer {first}", 200),
        ("bearer  {second} ", 200),
    ],
)
def test_keys_open_the_service(
    settings: Settings, make_key: Callable[..., str], template: str | None, status: int
) -> None:
    secrets = {name: make_key(settings.home, Scope.READ) for name in ("first", "second")}
    sent = {} if template is None else {"authorization": template.format(**secrets)}
    with InProcessService(settings) as service:
        answered = service.request("GET", "/v1/popular", headers=sent)
        assert answered.status == status
        if status == 401:
            assert answered.headers["www-authenticate"] == "Bearer"
            assert answered.headers["content-type"] == "application/problem+json"
            assert service.request("GET", "/metrics", headers=sent).status == 401
            assert service.request("GET", "/nowhere", headers=sent).status == 401
        assert service.request("GET", "/healthz", headers=sent).status == 200
        assert service.request("GET", "/readyz", headers=sent).status == 200


def test_a_fault_of_ours_is_logged_and_tells_nothing(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(service.context.recommendations, "_surface", broken)
    with pytest.raises(KeyError):  # the server behind us sees it too, and logs it
        service.request("POST", "/v1/recommendations", {})
    counted = service.request("GET", "/metrics").body.decode()
    assert 'palate_requests_total{route="recommendations",status="500"} 1' in counted
    assert "secret" in caplog.text


def test_a_damaged_state_is_unavailable_not_wrong(service: InProcessService) -> None:
    service.context.state.close()
    answered = service.request("POST", "/v1/recommendations", {"user_id": "ann"})
    assert answered.status == 503
    assert answered.json["type"] == "urn:palate:problem:store-failed"


def test_requests_are_counted_by_route_and_status(service: InProcessService) -> None:
    service.request("POST", "/v1/recommendations", {})
    service.request("POST", "/v1/recommendations", {"k": 0})
    service.request("GET", "/nowhere")
    service.request("GET", "/v1/items/c0")
    answered = service.request("GET", "/metrics")
    assert answered.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answered.body.decode().splitlines()
    for line in (
        'palate_requests_total{route="recommendations",status="200"} 1',
        'palate_requests_total{route="recommendations",status="422"} 1',
        'palate_requests_total{route="none",status="404"} 1',
        'palate_requests_total{route="item",status="200"} 1',
        'palate_request_seconds_count{route="recommendations"} 2',
        'palate_release_info{alias="stable",release="taste:1"} 1',
    ):
        assert line in lines


def test_the_log_is_not_opened_for_writing(service: InProcessService, tmp_path: Path) -> None:
    """A worker reads; were it to own the log, this second opener would be the one refused."""
    log = SqliteEventLog(service.settings.home / "events" / "log.sqlite", read_only=True)
    assert log.head() == service.ingest.log.head()
    log.close()
