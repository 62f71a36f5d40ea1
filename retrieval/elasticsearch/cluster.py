"""The cluster: how it is reached, and how long a call is repeated before it counts as failed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from elastic_transport import TransportError
from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, Elasticsearch

from knowledge_base.errors import SettingsError
from retrieval.elasticsearch.failures import is_passing, translated

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
        """Raises the errors that `failures.translated` names."""
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                found = call()
            except (ApiError, TransportError) as error:
                if not is_passing(error, self._knew_us) or time.monotonic() + pause > deadline:
                    raise translated(error, self.settings.url, self._knew_us) from error
            else:
                self._knew_us = True
                return found
            time.sleep(pause * random.uniform(0.5, 1.0))  # lest all that were refused come back together
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
            f"{settings.url!r} is no address of Elasticsearch ({error}).",
            "Write elasticsearch_url as https://HOST:9200.",
        ) from error
    return Cluster(client, settings)
