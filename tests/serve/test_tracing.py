"""Traces, heard by a collector of fifteen lines: spans, their parents, their attributes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from palate.config import ObserveSettings, Settings
from palate.errors import MissingExtraError
from palate.serve import otel, spans
from palate.serve.otel import OtelTracer
from palate.serve.supervisor import serve
from palate.testing.service import InProcessService

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """An OTLP receiver: its URL, and the resource spans that come in."""
    heard: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            heard.extend(ExportTraceServiceRequest.FromString(body).resource_spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes
    }


class Traced:
    """A service whose traces are collected; `spans` of the requests made, once left."""

    def __init__(self, service: InProcessService, *, share: float = 1.0) -> None:
        self.service = service
        self.spans: dict[str, Any] = {}
        self.resource: Any = None
        self._share = share

    @contextmanager
    def collecting(self) -> Iterator[InProcessService]:
        with collector() as (url, heard):
            settings = ObserveSettings(otlp_endpoint=url + "/", trace_share=self._share)
            tracer = OtelTracer(settings, "worker-7")
            spans.install(tracer)
            try:
                yield self.service
            finally:
                spans.install(None)
                tracer.close()
        for resource in heard:
            self.resource = attributes(resource.resource)
            for scope in resource.scope_spans:
                self.spans |= {span.name: span for span in scope.spans}


def test_a_request_shows_where_its_time_went(reading: InProcessService) -> None:
    traced = Traced(reading)
    with traced.collecting() as service:
        service.request(
            "POST", "/v1/recommendations", {"user_id": "ann"},
            headers={"traceparent": CALLER, "content-type": "application/json"},
        )  # fmt: skip
    assert set(traced.spans) == {
        "POST /v1/recommendations", "state.read", "model.rank", "filter.last"
    }  # fmt: skip
    whole = traced.spans["POST /v1/recommendations"]
    assert whole.kind == whole.SPAN_KIND_SERVER
    assert attributes(whole) == {
        "http.request.method": "POST",
        "http.route": "/v1/recommendations",
        "http.response.status_code": 200,
        "palate.release": "taste:1",
        "palate.degraded": False,
    }
    for span in traced.spans.values():
        assert span.trace_id.hex() == CALLER.split("-")[1]
        assert whole.start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= whole.end_time_unix_nano
        if span is not whole:
            assert span.parent_span_id == whole.span_id
    assert whole.parent_span_id.hex() == CALLER.split("-")[2]
    assert traced.resource["service.name"] == "palate"
    assert traced.resource["service.instance.id"] == "worker-7"


def test_events_show_the_writer(service: InProcessService) -> None:
    traced = Traced(service)
    with traced.collecting():
        service.request("POST", "/v1/events", [{"event": "click", "user_id": "u", "item_id": "c0"}])
    assert set(traced.spans) == {"POST /v1/events", "events.append"}


def test_a_trace_has_no_id_of_a_person_or_an_item(service: InProcessService) -> None:
    traced = Traced(service)
    with traced.collecting():
        service.request("GET", "/v1/users/secret-user")
        service.request("GET", "/v1/items/secret-item?k=secret")
        service.request("POST", "/v1/recommendations", {"user_id": "secret-user"})
    assert {"GET /v1/users/{user_id}", "GET /v1/items/{item_id}"} <= set(traced.spans)
    assert "secret" not in str(traced.spans)


def test_a_failure_is_marked(service: InProcessService) -> None:
    service.context.state.close()
    traced = Traced(service)
    with traced.collecting():
        service.request("GET", "/v1/users/ann")
        service.request("GET", "/nowhere")
    assert traced.spans["GET /v1/users/{user_id}"].status.code == 2, "ERROR"
    assert traced.spans["GET (no route)"].status.code == 0


@pytest.mark.parametrize(
    ("share", "headers", "recorded"),
    [
        (1.0, {}, True),
        (0.0, {}, False),
        (0.0, {"traceparent": CALLER}, True),
        (1.0, {"traceparent": UNSAMPLED}, False),
        (1.0, {"traceparent": "nonsense"}, True),
    ],
)
def test_the_caller_decides_else_the_share(
    reading: InProcessService, share: float, headers: dict[str, str], recorded: bool
) -> None:
    traced = Traced(reading, share=share)
    with traced.collecting() as service:
        service.request("GET", "/healthz", headers=headers)
    assert bool(traced.spans) is recorded


def test_the_log_names_the_trace(
    reading: InProcessService, capfd: pytest.CaptureFixture[str]
) -> None:
    with Traced(reading).collecting() as service:
        service.request("GET", "/healthz", headers={"traceparent": CALLER})
        service.request("GET", "/healthz", headers={"traceparent": UNSAMPLED})
    first, second = capfd.readouterr().err.splitlines()
    assert f'"trace_id":"{CALLER.split("-")[1]}"' in first
    assert "trace_id" not in second


def test_a_collector_that_is_away_costs_no_request_and_no_end(
    reading: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otel, "_EXPORT_S", 0.2)
    with collector() as (url, _):
        pass  # it has gone
    tracer = OtelTracer(ObserveSettings(otlp_endpoint=url, trace_share=1.0), "worker-0")
    spans.install(tracer)
    try:
        assert reading.request("GET", "/healthz").status == 200
    finally:
        spans.install(None)
        tracer.close()


def test_without_opentelemetry_the_service_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    traced = settings.model_copy(
        update={"observe": ObserveSettings(otlp_endpoint="http://127.0.0.1:1")}
    )
    with pytest.raises(MissingExtraError) as told:
        serve(traced)
    assert told.value.hint == "pip install 'palate[otel]'"


def test_without_a_tracer_spans_are_free_and_nameless() -> None:
    with spans.request_span({}) as whole, spans.span("x") as part:
        assert whole is part is spans.current_span()
        assert whole.trace_id == ""
