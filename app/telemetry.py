"""Traces and metrics by OpenTelemetry, sent where its environment variables say, with the extra `otel`.

FastAPI traces and measures requests, and sets up what sends it; here the stages of an answer are added.
Without OTEL_EXPORTER_OTLP_ENDPOINT, or that of traces or metrics alone, nothing is sent.
"""

from __future__ import annotations

import os
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer, set_span_in_context

from answering.values import Answer
from knowledge_base.errors import SettingsError

if TYPE_CHECKING:  # commands that serve nothing need no FastAPI
    from fastapi.telemetry import TelemetryConfig

_ENDPOINTS = [f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" for signal in ("", "TRACES_", "METRICS_")]
_OF_PROGRAMS = ("/v1/", "/mcp")  # events of the page mostly wait for the next one
_NANO = 1_000_000_000

tracer = get_tracer("domainqa")
meter = get_meter("domainqa")


def of_requests() -> TelemetryConfig:
    """How FastAPI traces and measures requests; SettingsError if it should and the extra is not installed."""
    if any(os.environ.get(name) for name in _ENDPOINTS):
        try:
            version("opentelemetry-exporter-otlp-proto-http")
        except PackageNotFoundError as error:
            raise SettingsError(
                "The environment names a collector of OpenTelemetry, but the extra otel is not installed.",
                'Install it (pip install "domainqa[otel]"), or unset OTEL_EXPORTER_OTLP_ENDPOINT.',
            ) from error
        os.environ.setdefault("OTEL_SERVICE_NAME", "domainqa")
    return {
        "auto_configure": True,
        "logs": False,  # they would hold messages of errors, and so texts of requests
        "operation_spans": False,
        "exclude": lambda scope: not scope["path"].startswith(_OF_PROGRAMS),
    }


def trace_answer(answer: Answer, ended: int) -> None:
    """An answer as a span with one below it for each stage, in their order; `ended` in nanoseconds.

    Its stages follow each other without gaps, so their times are known once it is finished.
    """
    at = ended - int(sum(answer.trace.seconds.values()) * _NANO)
    attributes: dict[str, str | int] = {
        "domainqa.answer": answer.id,
        "domainqa.collection": answer.collection,
        "domainqa.adapter": answer.adapter,
        "domainqa.outcome": answer.outcome,
        "domainqa.citations": len(answer.citations),
    }
    whole = tracer.start_span("answer", attributes=attributes, start_time=at)
    below = set_span_in_context(whole)
    for stage, seconds in answer.trace.seconds.items():
        span = tracer.start_span(stage, below, start_time=at)
        at += int(seconds * _NANO)
        span.end(at)
    whole.end(ended)


def now() -> int:
    """Nanoseconds since 1970, as spans count."""
    return time.time_ns()
