"""The workspace over collections in a real Elasticsearch, with models that are fakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import doctor
from app.settings import load_settings
from app.workspace import Workspace
from knowledge_base.errors import MismatchError, NotFoundError
from retrieval.elasticsearch import Cluster
from tests.elasticsearch_server import clear
from tests.fakes import FakeEmbedder, FakeGenerator


@pytest.fixture
def options(elasticsearch: Cluster, tmp_path: Path) -> Iterator[dict[str, object]]:
    """Settings that put the collections into the cluster."""
    settings = elasticsearch.settings
    yield {
        "home": tmp_path / "home",
        "elasticsearch_url": settings.url,
        "elasticsearch_api_key": settings.api_key,
        "elasticsearch_prefix": settings.prefix,
    }
    clear(elasticsearch)


def opened(options: dict[str, object], embedder: FakeEmbedder | None = None) -> Workspace:
    return Workspace(load_settings(options), embedder or FakeEmbedder(), FakeGenerator())


def test_a_folder_is_ingested_searched_and_ingested_again(
    options: dict[str, object], documents: Path
) -> None:
    embedder = FakeEmbedder()
    with opened(options, embedder) as workspace:
        assert workspace.collections() == []
        assert set(workspace.ingest(documents, "Bank 港湾".replace(" ", "-")).added) == {
            "cards/platinum.md",
            "hours.txt",
        }
        embedded = len(embedder.texts)
        report = workspace.ingest(documents, "Bank-港湾")
        assert report.added == report.changed == report.removed == ()
        assert len(embedder.texts) == embedded
        (info,) = workspace.collections()
        assert (info.name, info.documents, info.passages) == ("Bank-港湾", 2, 2)
        assert info.size_bytes > 0
        found = workspace.search(["when do branches open"], "Bank-港湾", k=1)[0]
        assert found.ranked[0].passage.document == "hours.txt"


def test_a_second_copy_sees_what_the_first_has_changed(options: dict[str, object], documents: Path) -> None:
    with opened(options) as one, opened(options) as other:
        one.ingest(documents, "bank")
        assert other.search(["platinum card"], "bank")[0].ranked
        (documents / "cards" / "platinum.md").unlink()
        one.ingest(documents, "bank")
        found = other.search(["platinum card"], "bank")[0]
        assert {entry.passage.document for entry in found.ranked} == {"hours.txt"}
        assert [entry.path for entry in other.documents("bank")] == ["hours.txt"]


def test_uploads_are_taken_in_and_deleted(
    options: dict[str, object], documents: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "gold.txt"
    upload.write_text("The gold card costs 200 a year.", encoding="utf-8")
    with opened(options) as workspace:
        workspace.ingest(documents, "bank")
        assert workspace.upload([upload], "bank").added == ("uploads/gold.txt",)
        assert workspace.document("bank", "uploads/gold.txt").text == "The gold card costs 200 a year."
        workspace.delete_document("bank", "uploads/gold.txt")
        assert len(workspace.documents("bank")) == 2
        with pytest.raises(NotFoundError, match=r"gold\.txt"):
            workspace.document("bank", "uploads/gold.txt")


def test_another_embedder_needs_a_rebuild_which_keeps_uploads(
    options: dict[str, object], documents: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "gold.txt"
    upload.write_text("The gold card costs 200 a year.", encoding="utf-8")
    with opened(options) as workspace:
        workspace.ingest(documents, "bank")
        workspace.upload([upload], "bank")
    with opened(options, FakeEmbedder("other", dimension=32)) as workspace:
        with pytest.raises(MismatchError, match="--rebuild"):
            workspace.search(["card"], "bank")
        workspace.ingest(documents, "bank", rebuild=True)
        assert len(workspace.documents("bank")) == 3
        assert (
            workspace.search(["gold card"], "bank", k=1)[0].ranked[0].passage.document == "uploads/gold.txt"
        )


def test_a_deleted_collection_is_gone_and_an_unknown_one_names_those_there(
    options: dict[str, object], documents: Path
) -> None:
    with opened(options) as workspace:
        workspace.ingest(documents, "bank")
        workspace.ingest(documents, "staff")
        workspace.delete_collection("bank")
        with pytest.raises(NotFoundError, match=r"no collection bank .* there is: staff\."):
            workspace.search(["card"], "bank")


def test_doctor_says_whether_the_cluster_answers(options: dict[str, object], documents: Path) -> None:
    def told(**changed: object) -> list[tuple[str, str]]:
        findings = doctor.cluster(load_settings({**options, **changed}))
        return [(finding.state, finding.seen) for finding in findings]

    assert told() == [("ok", f"{options['elasticsearch_url']} answers")]
    with opened(options) as workspace:
        workspace.ingest(documents, "bank")
    assert told()[0][0] == "ok"
    ((state, seen),) = told(elasticsearch_api_key="bm9ib2R5Om5vYm9keQ==")
    assert state == "fail"
    assert "elasticsearch" in seen.lower()
    assert told(elasticsearch_url=None) == []
