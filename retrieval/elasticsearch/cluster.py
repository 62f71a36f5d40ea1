"""The cluster: how it is reached, how long a call is repeated, and its failures in domainqa's words."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from elastic_transport import ApiResponseMeta, ConnectionTimeout, TlsError, TransportError
from elastic_transport import ConnectionError as NoConnection
from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from knowledge_base.errors import (
    BusyError,
    DomainqaError,
    InputError,
    NotFoundError,
    SettingsError,
    StorageError,
    UnavailableError,
)

_BLOCKED = "cluster_block_exception"
# What passes by itself: too much to do, a node or shard that is on its way.
_PASSING = {429, 502, 503, 504}
_UNKNOWN_KEY = 401
_AGAIN = "Run the command again in a while; what was reported done is kept."
_UNBLOCK = (
    "Its disk is probably nearly full: free some space there. The block then ends by itself, or with "
    'PUT INDEX/_settings {"index.blocks.read_only_allow_delete": null}.'
)
_KNOWN: Mapping[int, tuple[type[DomainqaError], str, str]] = {
    _UNKNOWN_KEY: (
        SettingsError,
        "Elasticsearch at {url} does not know the API key.",
        "Set elasticsearch_api_key to a valid one; docs/elasticsearch.md describes how to create it.",
    ),
    403: (
        SettingsError,
        "The API key may not do this in Elasticsearch at {url}: {reason}.",
        "Give it read, write and manage on the indices that begin with elasticsearch_prefix.",
    ),
    404: (
        NotFoundError,
        "Elasticsearch at {url} does not have what was asked for: {reason}.",
        "See `domainqa collections` for what there is, then try again.",
    ),
    409: (BusyError, "Another process has changed the collection at the same time.", _AGAIN),
    413: (
        InputError,
        "A document is larger than Elasticsearch at {url} takes in one request.",
        "Divide the document, or raise http.max_content_length of the cluster.",
    ),
}


def is_passing(error: ApiError | TransportError, knew_us: bool) -> bool:
    """Whether the same call may succeed a little later; `knew_us` says that one did before.

    A node that starts does not know any API key for some seconds.
    """
    if isinstance(error, ApiError):
        starts = error.meta.status == _UNKNOWN_KEY and knew_us
        return starts or (error.meta.status in _PASSING and _kind(error.body) != _BLOCKED)
    return isinstance(error, NoConnection | ConnectionTimeout) and not isinstance(error, TlsError)


def error_of(meta: ApiResponseMeta, status: int, body: Mapping[str, Any]) -> ApiError:
    """The error of one part of a request of several, as if it had been asked for alone."""
    return ApiError(str(status), replace(meta, status=status), body)


def translate(error: ApiError | TransportError, url: str, knew_us: bool = False) -> DomainqaError:
    """The error of ours that says what is wrong with the cluster at `url` and what to do."""
    if isinstance(error, UnsupportedProductError):
        return SettingsError(
            f"The server at {url} is not Elasticsearch.",
            "Point elasticsearch_url at an Elasticsearch 8 or 9; OpenSearch is another product.",
        )
    if isinstance(error, ApiError):
        if error.meta.status == _UNKNOWN_KEY and knew_us:
            return UnavailableError(
                f"Elasticsearch at {url} no longer accepts the API key.",
                "If it is starting, wait and try again; otherwise the key was revoked: set another one.",
            )
        return _of_answer(error.meta.status, error.body, url)
    return _of_transport(error, url)


def _of_answer(status: int, body: object, url: str) -> DomainqaError:
    """The error of ours for an answer of the cluster that is none."""
    reason = _reason(body)
    if _kind(body) == _BLOCKED:
        return StorageError(f"Elasticsearch at {url} accepts no changes: {reason}.", _UNBLOCK)
    if status in _PASSING:
        return UnavailableError(f"Elasticsearch at {url} is overloaded or not ready: {reason}.", _AGAIN)
    if status in _KNOWN:
        kind, cause, remedy = _KNOWN[status]
        return kind(cause.format(url=url, reason=reason), remedy)
    return StorageError(
        f"Elasticsearch at {url} refuses ({status}): {reason}.", "See the log of the cluster for the cause."
    )


def _of_transport(error: TransportError, url: str) -> DomainqaError:
    if isinstance(error, ConnectionTimeout):
        return UnavailableError(
            f"Elasticsearch at {url} did not answer in time.",
            "Look at the load of the cluster, or raise elasticsearch_timeout.",
        )
    if isinstance(error, TlsError):
        return SettingsError(
            f"The certificate of Elasticsearch at {url} is not trusted ({error.message}).",
            "Set elasticsearch_ca_file to the certificate of the authority that signed it.",
        )
    return UnavailableError(
        f"Elasticsearch does not answer at {url}.", "Start it, or correct elasticsearch_url; then try again."
    )


def _error(body: object) -> Mapping[str, Any]:
    found = body.get("error") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _kind(body: object) -> str:
    """The type of the innermost cause that the answer names."""
    error = _error(body)
    causes = error.get("root_cause") or [error]
    return str(causes[0].get("type", ""))


def _reason(body: object) -> str:
    error = _error(body)
    causes = error.get("root_cause") or [error]
    cause = error.get("caused_by") or causes[0]
    return str(cause.get("reason") or body or "no reason given").rstrip(".")


T = TypeVar("T")

ANALYZER = "domainqa"

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_READ_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How to reach a cluster, and how indices are made there.

    `url` may name several nodes, divided by commas. `prefix` begins the name of every index; `analyzer` is
    ours or one that the cluster has, such as `ik_max_word`. `timeout` is for one call; a change is tried
    again for `patience` seconds while the cluster is away or overloaded.
    """

    url: str
    api_key: str = ""
    ca_file: Path | None = None
    prefix: str = "domainqa-"
    analyzer: str = ANALYZER
    shards: int = 1
    timeout: float = 30.0
    patience: float = 30.0


class Cluster:
    """A cluster that is spoken to; safe for many threads."""

    def __init__(self, client: Elasticsearch, settings: ClusterSettings) -> None:
        self.client = client
        self.settings = settings
        self._knew_us = False

    def read(self, call: Callable[[], T]) -> T:
        """What a call gives that changes nothing; somebody waits for it, so it is not tried for long."""
        return self._call(call, min(_READ_PATIENCE_SECONDS, self.settings.patience))

    def write(self, call: Callable[[], T]) -> T:
        """What a call gives that may be made twice without harm; tried again through a restart."""
        return self._call(call, self.settings.patience)

    def _call(self, call: Callable[[], T], patience: float) -> T:
        """Raises the errors that `Cluster.write` names."""
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                found = call()
            except (ApiError, TransportError) as error:
                if not is_passing(error, self._knew_us) or time.monotonic() + pause > deadline:
                    raise translate(error, self.settings.url, self._knew_us) from error
            else:
                self._knew_us = True
                return found
            # Random, so that refused calls do not all come back together.
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE)


def connect(settings: ClusterSettings) -> Cluster:
    """The cluster of the settings; nothing is sent yet.

    Raises SettingsError for an address that is none.
    """
    hosts = [host.strip() for host in settings.url.split(",")]
    try:
        client = Elasticsearch(
            hosts,
            api_key=settings.api_key or None,
            ca_certs=str(settings.ca_file) if settings.ca_file else DEFAULT,
            request_timeout=settings.timeout,
            max_retries=0,  # tried again here, with pauses
            http_compress=False,
        )
    except ValueError as error:
        raise SettingsError(
            f"{settings.url!r} is not a valid address of Elasticsearch ({error}).",
            "Write elasticsearch_url as https://HOST:9200.",
        ) from error
    return Cluster(client, settings)
