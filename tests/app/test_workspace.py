"""The workspace over real collections, with models that are fakes."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest
from PIL import Image

from answering.values import Finished, Question, Task
from app.metrics import Metrics
from app.settings import load_settings
from app.workspace import Workspace
from knowledge_base import chunking
from knowledge_base.errors import DomainqaError, InputError, MismatchError, ModelError, NotFoundError
from retrieval.prompt import Message
from retrieval.values import Filter
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.knowledge_base.ocr.drawing import SENTENCES, encoded, written


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = load_settings({"home": tmp_path / "home"})
    with Workspace(settings, FakeEmbedder(), FakeGenerator()) as workspace:
        yield workspace


def test_a_folder_becomes_a_collection_that_is_searched(workspace: Workspace, documents: Path) -> None:
    report = workspace.ingest(documents, "bank")
    assert set(report.added) == {"cards/platinum.md", "hours.txt"}
    assert [info.name for info in workspace.collections()] == ["bank"]
    found = workspace.search(["when do branches open"], "bank", k=1)[0]
    assert found.ranked[0].passage.document == "hours.txt"


def test_the_second_ingest_does_nothing_and_embeds_nothing(tmp_path: Path, documents: Path) -> None:
    embedder = FakeEmbedder()
    with Workspace(load_settings({"home": tmp_path / "home"}), embedder, FakeGenerator()) as workspace:
        workspace.ingest(documents, "bank")
        embedded = len(embedder.texts)
        report = workspace.ingest(documents, "bank")
    assert report.added == report.changed == report.removed == ()
    assert len(embedder.texts) == embedded


def test_uploads_live_beside_the_folder_and_survive_its_next_ingest(
    workspace: Workspace, documents: Path, tmp_path: Path
) -> None:
    workspace.ingest(documents, "bank")
    upload = tmp_path / "gold.txt"
    upload.write_text("The gold card costs 200 a year.", encoding="utf-8")
    assert workspace.upload([upload], "bank").added == ("uploads/gold.txt",)
    workspace.ingest(documents, "bank")
    assert [entry.path for entry in workspace.documents("bank")] == [
        "cards/platinum.md",
        "hours.txt",
        "uploads/gold.txt",
    ]


def test_a_deleted_upload_does_not_come_back_with_the_next_one(workspace: Workspace, tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("first", encoding="utf-8")
    second.write_text("second", encoding="utf-8")
    workspace.upload([first], "bank")
    workspace.delete_document("bank", "uploads/a.txt")
    workspace.upload([second], "bank")
    assert [entry.path for entry in workspace.documents("bank")] == ["uploads/b.txt"]


def test_an_answer_is_remembered_for_feedback(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    answer = workspace.answer(Question("What does the platinum card cost?", "bank"))
    workspace.feedback(answer.id, "down", correction="680 yuan")
    stored = workspace.feedback_on("bank")
    assert [(entry.question, entry.verdict, entry.correction) for entry in stored] == [
        ("What does the platinum card cost?", "down", "680 yuan")
    ]
    assert stored[0].passages[0]["text"]


def test_a_repeated_question_is_seen_in_the_metrics(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    for _ in range(2):
        workspace.answer(Question("What does the platinum card cost?", "bank"))
    list(workspace.write(Task((Message("user", "Greet us."),), "bank")).pieces)
    told = (line.rsplit(" ", 1) for line in workspace.metrics.text().decode().splitlines() if line[0] != "#")
    counted = {name: float(value) for name, value in told}
    assert counted['domainqa_searches_total{cached="false"}'] == 1
    assert counted['domainqa_searches_total{cached="true"}'] == 1
    assert counted['domainqa_tokens_total{kind="prompt"}'] > 0
    assert counted['domainqa_tokens_total{kind="completion"}'] > 0


def test_what_a_generator_keeps_in_memory_is_in_the_metrics() -> None:
    class Keeping(FakeGenerator):
        def held_bytes(self) -> dict[str, int]:
            return {"prompts": 7, "adapters": 5}

    metrics = Metrics()
    metrics.watch_generator(Keeping())
    assert {
        'domainqa_cache_bytes{kind="prompts"} 7.0',
        'domainqa_cache_bytes{kind="adapters"} 5.0',
    } <= set(metrics.text().decode().splitlines())


def test_feedback_on_an_unknown_answer_says_what_to_do(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="again"):
        workspace.feedback("unknown", "up")


def test_a_second_verdict_replaces_the_first(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    answer = workspace.answer(Question("platinum card", "bank"))
    workspace.feedback(answer.id, "down")
    workspace.feedback(answer.id, "up")
    assert [entry.verdict for entry in workspace.feedback_on("bank")] == ["up"]


def test_answers_do_not_depend_on_what_was_asked_before(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    questions = [
        Question(text, "bank") for text in ("platinum card cost", "opening hours", "platinum card cost")
    ]
    first = [workspace.answer(question) for question in questions]
    again = [workspace.answer(question) for question in reversed(questions)]
    assert [(a.text, a.refused, a.citations) for a in reversed(again)] == [
        (a.text, a.refused, a.citations) for a in first
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [("", "empty"), (" \n\t", "empty"), ("x" * 100_000, "100,000"), ("caf\udce9", "Unicode")],
)
def test_questions_that_cannot_be_asked(workspace: Workspace, documents: Path, text: str, match: str) -> None:
    workspace.ingest(documents, "bank")
    with pytest.raises(InputError, match=match):
        workspace.ask(Question(text, "bank"))
    with pytest.raises(InputError, match=match):
        workspace.search([text], "bank")


def test_an_unknown_collection_names_those_there_are(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    with pytest.raises(NotFoundError, match="bank"):
        workspace.search(["fee"], "bnak")
    assert [info.name for info in workspace.collections()] == ["bank"]


def test_an_unknown_adapter_names_those_there_are(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    with pytest.raises(NotFoundError, match="base"):
        workspace.ask(Question("fee", "bank", adapter="nobody"))


def test_a_collection_of_another_embedder_is_refused_and_rebuilt_on_request(
    workspace: Workspace, documents: Path
) -> None:
    workspace.ingest(documents, "bank")
    other = Workspace(workspace.settings, FakeEmbedder("other"), FakeGenerator())
    with pytest.raises(MismatchError, match="--rebuild"):
        other.search(["fee"], "bank")
    report = other.ingest(documents, "bank", rebuild=True)
    assert len(report.added) == 2
    assert other.search(["branches"], "bank")[0].ranked
    other.close()


def test_a_collection_that_an_earlier_version_read_is_used_and_named_as_such(
    workspace: Workspace, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not workspace.ingest(documents, "bank").outdated
    monkeypatch.setattr(chunking, "VERSION", chunking.VERSION + 1)
    later = Workspace(workspace.settings, FakeEmbedder(), FakeGenerator())
    assert later.search(["branches"], "bank")[0].ranked
    assert later.ingest(documents, "bank").outdated
    assert not later.ingest(documents, "bank", rebuild=True).outdated
    later.close()


def test_other_lengths_of_passages_need_a_rebuild(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    shorter = load_settings({"home": workspace.settings.home, "chunk_tokens": 64})
    with (
        Workspace(shorter, FakeEmbedder(), FakeGenerator()) as other,
        pytest.raises(MismatchError, match="up to 256 tokens, not 64"),
    ):
        other.search(["branches"], "bank")


def test_a_rebuild_keeps_uploads(workspace: Workspace, documents: Path, tmp_path: Path) -> None:
    upload = tmp_path / "gold.txt"
    upload.write_text("The gold card costs 200 a year.", encoding="utf-8")
    workspace.ingest(documents, "bank")
    workspace.upload([upload], "bank")
    workspace.ingest(documents, "bank", rebuild=True)
    assert "uploads/gold.txt" in [entry.path for entry in workspace.documents("bank")]
    assert workspace.search(["gold card"], "bank")[0].ranked[0].passage.document == "uploads/gold.txt"


def test_a_filter_holds_for_answers_too(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    question = Question("platinum card", "bank", limit=Filter(folder="nowhere"))
    last = list(workspace.ask(question))[-1]
    assert isinstance(last, Finished)
    assert last.answer.refused
    assert last.answer.trace.ranked == ()


def test_a_deleted_collection_is_gone_and_can_be_made_again(workspace: Workspace, documents: Path) -> None:
    workspace.ingest(documents, "bank")
    workspace.delete_collection("bank")
    assert workspace.collections() == []
    with pytest.raises(NotFoundError):
        workspace.documents("bank")
    workspace.create_collection("bank")
    assert workspace.documents("bank") == []
    with pytest.raises(InputError, match="already"):
        workspace.create_collection("bank")


def test_another_workspace_on_the_same_home_sees_what_was_added(
    workspace: Workspace, documents: Path
) -> None:
    workspace.ingest(documents, "bank")
    with Workspace(workspace.settings, FakeEmbedder(), FakeGenerator()) as reader:
        assert reader.search(["gold"], "bank", k=5)[0].ranked
        (documents / "gold.txt").write_text("The gold card costs 200.", encoding="utf-8")
        workspace.ingest(documents, "bank")
        assert reader.search(["gold card"], "bank", k=1)[0].ranked[0].passage.document == "gold.txt"


def test_members_of_an_uploaded_archive_can_be_deleted(workspace: Workspace, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cards.zip", "w") as archive:
        archive.writestr("gold.txt", "The gold card costs 200 a year.")
        archive.writestr("black.txt", "The black card costs 900 a year.")
        archive.writestr("photo.exe", "x")
    report = workspace.upload([tmp_path / "cards.zip"], "bank")
    assert report.added == ("uploads/cards.zip/gold.txt", "uploads/cards.zip/black.txt")
    assert [file.path for file in report.skipped] == ["uploads/cards.zip/photo.exe"]
    workspace.delete_document("bank", "uploads/cards.zip/gold.txt")
    (tmp_path / "other.txt").write_text("Other text.", encoding="utf-8")
    again = workspace.upload([tmp_path / "other.txt"], "bank")
    assert (again.added, again.skipped) == (("uploads/other.txt",), ())
    assert [entry.path for entry in workspace.documents("bank")] == [
        "uploads/cards.zip/black.txt",
        "uploads/other.txt",
    ]


def test_an_upload_that_cannot_be_read_is_reported_once(workspace: Workspace, tmp_path: Path) -> None:
    broken, good = tmp_path / "broken.pdf", tmp_path / "good.txt"
    broken.write_bytes(b"%PDF-1.7 nothing follows")
    good.write_text("The gold card costs 200.", encoding="utf-8")
    assert [failed.path for failed in workspace.upload([broken], "bank").failed] == ["uploads/broken.pdf"]
    report = workspace.upload([good], "bank")
    assert (report.failed, report.added) == ((), ("uploads/good.txt",))


def test_models_are_loaded_in_the_background(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path / "home", "generator": str(tmp_path / "no-such-model")})
    with Workspace(settings, FakeEmbedder()) as workspace:
        told: Queue[DomainqaError | None] = Queue()
        workspace.warm_up(told.put)
        assert "no-such-model" in str(told.get(timeout=30))
        workspace.create_collection("bank")
        with pytest.raises(ModelError, match="no-such-model"):
            workspace.answer(Question("anything", "bank"))


def test_a_damaged_collection_does_not_take_the_others_with_it(
    workspace: Workspace, documents: Path, tmp_path: Path
) -> None:
    workspace.ingest(documents, "bank")
    broken = tmp_path / "home" / "collections" / "broken"
    broken.mkdir()
    (broken / "collection.sqlite").write_bytes(b"no database at all" * 300)
    infos = {info.name: info for info in workspace.collections()}
    assert infos["bank"].problem == ""
    assert infos["bank"].documents == 2
    assert "damaged" in infos["broken"].problem
    assert "backup" in infos["broken"].problem
    assert workspace.search(["when do branches open"], "bank", k=1)[0].ranked
    workspace.delete_collection("broken")
    assert [info.name for info in workspace.collections()] == ["bank"]


def test_the_page_of_a_citation_is_shown_as_long_as_its_file_is_the_same(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "card.png").write_bytes(encoded(written(SENTENCES)))
    (folder / "note.txt").write_text("Text.")
    with zipfile.ZipFile(folder / "old.zip", "w") as archive:
        archive.writestr("in/card.png", encoded(written(SENTENCES[1:])))
    workspace.ingest(folder, "scans")
    for path in ("card.png", "old.zip/in/card.png"):
        picture = Image.open(io.BytesIO(workspace.page_picture("scans", path, 1, 300, (0, 9)).png))
        assert (picture.format, picture.width) == ("PNG", 300)
    workspace.upload([folder / "card.png"], "scans")
    assert workspace.page_picture("scans", "uploads/card.png", 1, 300).marked_at is None
    with pytest.raises(NotFoundError, match="no pictures"):
        workspace.page_picture("scans", "note.txt", 1, 300)
    (folder / "card.png").write_bytes(encoded(written(SENTENCES[:1])))
    with pytest.raises(NotFoundError, match="no longer") as caught:
        workspace.page_picture("scans", "card.png", 1, 300)
    assert "Ingest the folder again" in caught.value.remedy
