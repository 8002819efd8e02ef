"""Our own runs traced with OpenTelemetry, where its usual variables say where to and its packages are installed.

``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``…_TRACES_ENDPOINT``) turns it on; all else that OpenTelemetry reads from the
environment holds as well. Without it, or without the extra ``otel``, a span is nothing at all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from capacity._version import __version__

__all__ = ["Tracer", "tracing"]

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
TIMEOUT_S = 3.0
"""A collector that is away must not keep reports from being made."""

_LOG = logging.getLogger(__name__)


class Tracer:
    """Makes spans, or nothing where there is nobody to send them to."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str]) -> Iterator[Span]:
        """Trace the block."""
        if self._inner is None:
            yield Span()
            return
        with self._inner.start_as_current_span(name, attributes=dict(attributes)) as span:
            yield Span(span)


class Span:
    """What is being traced."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def failed(self, why: str) -> None:
        """Note that it did not go well."""
        if self._inner is not None:
            from opentelemetry.trace import Status, StatusCode

            self._inner.set_status(Status(StatusCode.ERROR, why))


@contextmanager
def tracing(environment: Mapping[str, str] = os.environ) -> Iterator[Tracer]:
    """Trace what is done in the block; on the way out everything is sent."""
    if not any(environment.get(name) for name in VARIABLES):
        yield Tracer()
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _LOG.warning("OpenTelemetry is configured and not installed: pip install 'capacity-workbench[otel]'")
        yield Tracer()
        return
    named = {"service.name": environment.get("OTEL_SERVICE_NAME", "capacity-workbench"), "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=TIMEOUT_S)))
    try:
        yield Tracer(provider.get_tracer("capacity", __version__))
    finally:
        provider.shutdown()
