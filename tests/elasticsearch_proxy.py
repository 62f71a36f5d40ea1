"""Stands between a client and Elasticsearch, and spoils what a test wants spoiled."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from retrieval.elasticsearch import ClusterSettings

# What becomes of a request, by its method and path: "" lets it pass, "refuse" answers 429, "forget" 401,
# "hang" never answers, "lose" carries it out and cuts the connection before the answer.
Judge = Callable[[str, str], str]

REFUSAL = {"error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}, "status": 429}


class Proxy:
    """Spoils requests as `judge` says, and answers as the `product` it names."""

    def __init__(self, url: str) -> None:
        self.judge: Judge = lambda method, path: ""
        self.product = "Elasticsearch"
        self.stopped = threading.Event()
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 9200)

    def spoil(self, how: str, path: str, times: int) -> None:
        """Spoil the first `times` requests whose path holds `path`."""
        left = [how] * times

        def judge(_method: str, asked: str) -> str:
            return left.pop() if path in asked and left else ""

        self.judge = judge


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            verdict = proxy.judge(self.command, self.path)
            if verdict == "refuse":
                return self._answer(429, json.dumps(REFUSAL).encode(), "application/json")
            if verdict == "forget":
                return self._answer(401, b"{}", "application/json")
            if verdict == "hang":
                proxy.stopped.wait()
                self.close_connection = True
                return None
            status, answer, kind = self._forward(body)
            if verdict == "lose":
                self.close_connection = True
                return None
            return self._answer(status, answer, kind)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

        def _forward(self, body: bytes) -> tuple[int, bytes, str]:
            upstream = http.client.HTTPConnection(proxy.host, proxy.port, timeout=60)
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            found = answer.status, answer.read(), answer.getheader("Content-Type") or "application/json"
            upstream.close()
            return found

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Elastic-Product", proxy.product)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def proxied(settings: ClusterSettings) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the cluster of the settings, and its address."""
    proxy = Proxy(settings.url)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        proxy.stopped.set()
        server.shutdown()
        server.server_close()
