"""Where a remote generator is, and how long it may take."""

import re
from dataclasses import dataclass

import httpx2
from pydantic import SecretStr

_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and the model that it is asked for.

    `url` is the base of OpenAI's protocol, such as http://127.0.0.1:8000/v1. `connect_seconds` bounds how
    long a connection is waited for, `read_seconds` how long the server may be silent.
    """

    url: str
    model: str
    key: SecretStr | None = None
    connect_seconds: float = 5.0
    read_seconds: float = 120.0

    @property
    def root(self) -> str:
        """The server's own address: vLLM and llama.cpp have routes there that OpenAI's protocol lacks."""
        return self.url.removesuffix("/v1")

    def http_client(self) -> httpx2.AsyncClient:
        """A client that reaches the server directly and sends the key with each request."""
        key = {"Authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}
        return httpx2.AsyncClient(
            headers=key,
            timeout=httpx2.Timeout(self.read_seconds, connect=self.connect_seconds),
            limits=httpx2.Limits(max_connections=None),
            trust_env=False,
        )

    def quote(self, message: str) -> str:
        """A message of the server, fit to be shown: one short line without the key."""
        if self.key:
            message = message.replace(self.key.get_secret_value(), "***")
        line = re.sub(r"\s+", " ", message).strip()
        return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"
