"""A served page and API over the workspace in memory."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from app.access.store import AccessStore
from app.access.values import grant
from app.settings import Settings
from tests.app.serving import served
from tests.fake_workspace import FakeWorkspace

COLLECTION = "bank"


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where keys are kept."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="package")
def key(home: Path) -> str:
    """A reader's key."""
    return AccessStore(home).keys.create("reader", grant("reader"))


@pytest.fixture(scope="package")
def workspace() -> FakeWorkspace:
    """What answers."""
    return FakeWorkspace()


@pytest.fixture(scope="package")
def address(workspace: FakeWorkspace, home: Path) -> Iterator[str]:
    """Where it is served: at most two questions at once, two seconds for each, files of one megabyte."""
    settings = Settings(home=home, max_waiting=2, answer_seconds=2, max_file_megabytes=1)
    with served(workspace, settings) as where:
        yield where


@pytest.fixture(autouse=True)
def _fresh(workspace: FakeWorkspace) -> Iterator[None]:
    """Every test begins with the same documents."""
    workspace.indexes.clear()
    workspace.asked.clear()
    workspace.tasks.clear()
    workspace.put(COLLECTION, "fees.txt", "The platinum card costs 680 yuan a year.", "Fees")
    workspace.put(COLLECTION, "费用.txt", "白金卡年费为680元。", "费用")
    yield
    workspace.pause = 0.0
    workspace.failure = None


@pytest.fixture
def site(address: str) -> Iterator[httpx.Client]:
    """A plain client."""
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture
def openai(address: str, key: str) -> Iterator[OpenAI]:
    """The official client, which knows nothing of us."""
    with OpenAI(base_url=f"{address}v1", api_key=key, max_retries=0) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to upload."""
    made = tmp_path / "hours.txt"
    made.write_text("Branches open at nine.\nThey close at five.", encoding="utf-8")
    return made
