"""Two servers over one home, one cluster and one generator behave as one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from answering.generation.remote.client import breaker_of
from app.access.store import AccessStore
from app.access.values import grant
from app.settings import Settings, load_settings
from app.workspace import Workspace
from retrieval.elasticsearch import Cluster
from tests.app.serving import client_of, finished
from tests.elasticsearch_server import clear
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.openai_server import BASE, OpenAIServer

PASSWORD = "correct horse"  # noqa: S105
FEE = b"The platinum card costs 680 yuan a year."
DOCUMENTS = "/v1/collections/bank/documents"


@pytest.fixture
def settings(elasticsearch: Cluster, tmp_path: Path) -> Iterator[Settings]:
    """Documents in the cluster, answers by another server, everybody has to say who he is."""
    breaker_of.cache_clear()
    cluster = elasticsearch.settings
    with OpenAIServer(FakeGenerator(reply=lambda _: "680 yuan", score=lambda *_: -12.0)) as generator:
        yield load_settings(
            {
                "home": tmp_path / "home",
                "access": "required",
                "elasticsearch_url": cluster.url,
                "elasticsearch_api_key": cluster.api_key,
                "elasticsearch_prefix": cluster.prefix,
                "generator": BASE,
                "generator_url": generator.url,
            }
        )
    clear(elasticsearch)


@pytest.fixture
def access(settings: Settings) -> AccessStore:
    """A user of the page."""
    store = AccessStore(settings.home)
    store.users.add("li", PASSWORD, grant("admin"))
    return store


@pytest.fixture
def copies(settings: Settings, access: AccessStore) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two servers on two ports."""
    with ExitStack() as stack:
        spaces = [stack.enter_context(Workspace(settings, FakeEmbedder())) for _ in range(2)]
        one, other = (stack.enter_context(client_of(space, settings)) for space in spaces)
        yield one, other


def test_what_starts_on_one_server_continues_on_the_other(
    copies: tuple[httpx.Client, httpx.Client], access: AccessStore, settings: Settings
) -> None:
    one, other = copies
    key = access.keys.create("portal", grant("editor"))
    for site in copies:
        assert site.get("/v1/models").status_code == 401
        site.headers["authorization"] = f"Bearer {key}"

    assert one.post("/v1/collections", json={"name": "bank"}).status_code == 201
    job = one.post(DOCUMENTS, files={"files": ("fees.txt", FEE)}).json()
    assert finished(other, job["id"])["report"]["added"] == ["uploads/fees.txt"]
    told = other.post("/v1/generate", json={"input": "What does the platinum card cost a year?"}).json()
    assert (told["text"], told["citations"][0]["quote"]) == ("680 yuan", FEE.decode())
    verdict = {"answer_id": told["answer_id"], "verdict": "down", "correction": "700 yuan"}
    assert one.post("/v1/feedback", json=verdict).status_code == 204
    with Workspace(settings, FakeEmbedder()) as third:
        assert [entry.correction for entry in third.feedback_on("bank")] == ["700 yuan"]

    access.keys.revoke("portal")
    assert [site.get("/v1/models").status_code for site in copies] == [401, 401]


def test_who_logs_in_at_one_is_known_at_the_other(
    copies: tuple[httpx.Client, httpx.Client], access: AccessStore
) -> None:
    one, other = copies
    one.post("/login", data={"name": "li", "password": PASSWORD})
    other.cookies.update(one.cookies)
    assert other.get("/v1/models").status_code == 200
    other.post("/logout")
    assert one.get("/v1/models").status_code == 401
