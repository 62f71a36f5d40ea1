"""Traces and metrics of a server, at a collector of OpenTelemetry on this machine; and the log of answers."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app import telemetry
from app.settings import Settings
from knowledge_base.errors import SettingsError
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace

ROOT = Path(__file__).parents[2]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PROGRAM = f"""
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from app.settings import Settings
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace

bank = FakeWorkspace()
bank.put("bank", "fees.txt", "The gold card costs 200 a year.")
with client_of(bank, Settings(home=Path(sys.argv[1]))) as site:
    site.get("/theme.css")
    told = {{"traceparent": "00-{TRACE}-b7ad6b7169203331-01"}}
    asked = {{"input": "What does the gold card cost?"}}
    site.post("/v1/generate", json=asked, headers=told).raise_for_status()
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """Its address, and what was sent to each of its paths."""
    got: dict[str, list[bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.setdefault(self.path, []).append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def served(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A server in a process of its own, since OpenTelemetry is set up once in a process."""
    usual = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home)],
        env={**os.environ, **usual, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_collector_gets_spans_and_metrics(
    tmp_path: Path, collector: tuple[str, dict[str, list[bytes]]]
) -> None:
    address, got = collector
    ended = served(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_SERVICE_NAME="answers")
    assert ended.returncode == 0, ended.stderr
    traces = [ExportTraceServiceRequest.FromString(body) for body in got["/v1/traces"]]
    resources = [found for request in traces for found in request.resource_spans]
    names = {attribute.value.string_value for found in resources for attribute in found.resource.attributes}
    assert "answers" in names
    spans = {span.name: span for found in resources for scope in found.scope_spans for span in scope.spans}
    assert {"POST /v1/generate", "answer", "search", "write"} <= set(spans)
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert spans["answer"].parent_span_id == spans["POST /v1/generate"].span_id
    assert spans["search"].parent_span_id == spans["answer"].span_id
    assert spans["search"].start_time_unix_nano == spans["answer"].start_time_unix_nano
    assert spans["search"].end_time_unix_nano <= spans["write"].start_time_unix_nano
    sent = [ExportMetricsServiceRequest.FromString(body) for body in got["/v1/metrics"]]
    metrics = {
        metric.name
        for request in sent
        for found in request.resource_metrics
        for scope in found.scope_metrics
        for metric in scope.metrics
    }
    assert {"domainqa.stage.duration", "domainqa.answers"} <= metrics


def test_without_its_variables_nothing_is_sent(
    tmp_path: Path, collector: tuple[str, dict[str, list[bytes]]]
) -> None:
    assert served(tmp_path).returncode == 0
    assert collector[1] == {}


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    telemetry.of_requests()
    monkeypatch.setattr(telemetry, "version", missing)
    telemetry.of_requests()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r'pip install "domainqa\[otel\]"'):
        telemetry.of_requests()


def test_each_answer_is_a_line_of_the_log_with_the_times_of_its_stages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = FakeWorkspace()
    bank.put("bank", "fees.txt", "The gold card costs 200 a year.")
    with client_of(bank, Settings(home=tmp_path, log_requests=True)) as site:
        answer = site.post("/v1/generate", json={"input": "What does the gold card cost?"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    (told,) = [line for line in lines if line["event"] == "answer"]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert told["request"] == request["request"] == answer.headers["x-request-id"]
    assert told["answer"] == answer.json()["answer_id"]
    assert set(told["stages"]) == {"search", "write"}
    assert "gold" not in json.dumps(lines)
