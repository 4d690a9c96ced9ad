"""Traces for an OpenTelemetry collector, by OTLP over HTTP; needs the extra `otel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from palate import __version__
from palate._optional import require
from palate.config import ObserveSettings

if TYPE_CHECKING:
    from opentelemetry.trace import Span as SdkSpan

__all__ = ["OtelTracer"]

_EXPORT_S: Final = 3.0  # a collector that does not answer holds nothing up for longer


class _Span:
    """A `palate.serve.spans.Span` over the SDK's."""

    __slots__ = ("_span",)

    def __init__(self, span: SdkSpan) -> None:
        self._span = span

    def note(self, name: str, value: str | float) -> None:
        self._span.set_attribute(name, value)

    def end_request(self, name: str, status: int) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.update_name(name)
        method, _, route = name.partition(" ")
        self._span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
            }
        )
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))

    @property
    def trace_id(self) -> str:
        context = self._span.get_span_context()
        return f"{context.trace_id:032x}" if context.trace_flags.sampled else ""


class OtelTracer:
    """A `palate.serve.spans.Tracer` that sends batches from a thread of its own.

    What the caller of a request decided (`traceparent`, W3C Trace Context) is followed; of the
    others `trace_share` is recorded. The environment's `OTEL_EXPORTER_OTLP_HEADERS` is sent
    along, so a collector's key need not be in a file.

    Args:
        settings: `[observe]`, with an `otlp_endpoint`.
        process: `worker-0`.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """

    def __init__(self, settings: ObserveSettings, process: str) -> None:
        require("opentelemetry.sdk.trace", extra="otel")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.trace_share)),
            resource=Resource.create(
                {
                    "service.name": "palate",
                    "service.version": __version__,
                    "service.instance.id": process,
                }
            ),
        )
        base = (settings.otlp_endpoint or "").rstrip("/")
        exporter = OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=_EXPORT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("palate", __version__)

    @contextmanager
    def request(self, headers: Mapping[str, str]) -> Iterator[_Span]:
        """A server span, within the caller's where `headers` name it."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        caller = TraceContextTextMapPropagator().extract(headers)
        with self._tracer.start_as_current_span(
            "request", context=caller, kind=SpanKind.SERVER
        ) as span:
            yield _Span(span)

    @contextmanager
    def span(self, name: str) -> Iterator[_Span]:
        """A span within the one that is open here."""
        with self._tracer.start_as_current_span(name) as span:
            yield _Span(span)

    def current(self) -> _Span:
        """The one that is open here."""
        from opentelemetry.trace import get_current_span

        return _Span(get_current_span())

    def close(self) -> None:
        """Send what was not sent yet; at most some seconds."""
        self._provider.force_flush(int(1000 * _EXPORT_S))
        self._provider.shutdown()
