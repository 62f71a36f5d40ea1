"""The routes of our own: generate, search, collections, documents, uploads, feedback."""

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.jobs import _ENDED, Jobs
from app.replicas import RecentRecords
from app.schema import Job
from knowledge_base.errors import (
    BusyError,
    DomainqaError,
    MismatchError,
    ModelError,
    StorageError,
    UnavailableError,
)
from knowledge_base.ingest import Report
from tests.app.api.conftest import COLLECTION
from tests.app.serving import finished
from tests.fake_workspace import FakeWorkspace

DOCUMENTS = f"/v1/collections/{COLLECTION}/documents"


def test_generate_answers_with_the_adapter_that_is_named(
    site: httpx.Client, workspace: FakeWorkspace
) -> None:
    asked = {"input": "platinum card cost", "adapter_id": "fees", "max_new_tokens": 9, "temperature": 0.3}
    told = site.post("/v1/generate", json={**asked, "limit": {"formats": ["txt"]}}).json()
    assert (told["text"], told["adapter"]) == ("The platinum card costs 680 yuan a year.", "fees")
    assert told["citations"][0]["document"] == "fees.txt"
    assert told["usage"]["total_tokens"] == told["usage"]["prompt_tokens"] + 8
    assert (workspace.asked[0].limit.formats, workspace.asked[0].max_new_tokens) == (frozenset({"txt"}), 9)


def test_generate_refuses_where_the_documents_say_nothing(site: httpx.Client) -> None:
    told = site.post("/v1/generate", json={"input": "zebra"}).json()
    assert (told["refused"], told["citations"]) == (True, [])
    assert told["nearest"]


def test_generate_without_retrieval_writes_for_the_adapter(site: httpx.Client) -> None:
    told = site.post("/v1/generate", json={"input": "one two", "retrieval": False}).json()
    assert (told["text"], told["adapter"], told["answer_id"]) == ("two one", "base", None)


def test_search_gives_passages_with_their_place(site: httpx.Client) -> None:
    told = site.post("/v1/search", json={"query": "platinum card", "k": 1}).json()
    (hit,) = told["results"]
    assert (hit["document"], hit["text"]) == ("fees.txt", "The platinum card costs 680 yuan a year.")
    assert hit["end"] - hit["start"] == len(hit["text"])


def test_collections_are_made_listed_and_deleted(site: httpx.Client) -> None:
    assert site.post("/v1/collections", json={"name": "新"}).status_code == 201
    assert [one["name"] for one in site.get("/v1/collections").json()] == [COLLECTION, "新"]
    assert site.post("/v1/collections", json={"name": "新"}).status_code == 409
    assert site.delete("/v1/collections/新").status_code == 204
    assert site.delete("/v1/collections/新").status_code == 404


def test_documents_are_listed_shown_and_deleted(site: httpx.Client) -> None:
    assert [one["document"] for one in site.get(DOCUMENTS).json()] == ["fees.txt", "费用.txt"]
    assert site.get(f"{DOCUMENTS}/费用.txt").json()["text"] == "白金卡年费为680元。"
    assert site.delete(f"{DOCUMENTS}/费用.txt").status_code == 204
    assert site.get(f"{DOCUMENTS}/费用.txt").status_code == 404


def test_the_page_of_a_citation_is_a_picture(site: httpx.Client) -> None:
    place = "/v1/collections/bank/pages/费用.txt"
    shown = site.get(place, params={"page": 2, "width": 300, "start": 0, "end": 3})
    assert (shown.status_code, shown.headers["content-type"], shown.text) == (
        200,
        "image/png",
        "费用.txt 2 300 白金卡",
    )
    assert "private" in shown.headers["cache-control"]
    assert shown.headers["marked-at"] == "0.5000"
    whole = site.get(place)
    assert whole.text == "费用.txt 1 1000 "
    assert "marked-at" not in whole.headers
    assert site.get("/v1/collections/bank/pages/none.pdf").status_code == 404
    assert site.get(place, params={"width": 100_000}).status_code == 422


def test_an_upload_is_a_job_that_ends_with_a_report(site: httpx.Client, file: Path) -> None:
    broken = ("broken.txt", b"\xff\xfe\xff")
    sent = site.post(DOCUMENTS, files=[("files", (file.name, file.read_bytes())), ("files", broken)])
    assert sent.status_code == 202
    told = finished(site, sent.json()["id"])
    assert (told["state"], told["done"], told["total"]) == ("done", 2, 2)
    assert told["report"]["added"] == ["uploads/hours.txt"]
    assert told["report"]["failed"] == [
        {"path": "uploads/broken.txt", "cause": "It is damaged.", "remedy": "Replace it."}
    ]
    assert site.get(f"{DOCUMENTS}/uploads/hours.txt").status_code == 200


def test_the_report_of_a_job_names_what_was_not_read(site: httpx.Client) -> None:
    files = [("files", ("old.exe", b"MZ")), ("files", ("scan.txt", b"Text.\n[picture]"))]
    told = finished(site, site.post(DOCUMENTS, files=files).json()["id"])
    assert (told["done"], told["total"]) == (2, 2)
    assert [file["path"] for file in told["report"]["skipped"]] == ["uploads/old.exe"]
    note = {
        "kind": "pictures_without_text",
        "count": 0,
        "pages": [1],
        "name": "",
        "text": "OCR found no text in the picture of page 1.",
    }
    assert told["report"]["notes"] == [{"path": "uploads/scan.txt", **note}]
    assert site.get(f"{DOCUMENTS}/uploads/scan.txt").json()["notes"] == [note]
    listed = {one["document"]: one["notes"] for one in site.get(DOCUMENTS).json()}
    assert (listed["uploads/scan.txt"], listed["fees.txt"]) == ([note], [])


def test_an_upload_that_fails_says_why(
    site: httpx.Client, file: Path, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise StorageError("The disk is full.", "Make room.")

    monkeypatch.setattr(workspace, "upload", full)
    sent = site.post(DOCUMENTS, files={"files": (file.name, file.read_bytes())})
    told = finished(site, sent.json()["id"])
    assert (told["state"], told["error"]) == ("failed", "The disk is full. Make room.")


def test_an_upload_into_a_collection_that_is_not_there_is_refused(site: httpx.Client, file: Path) -> None:
    sent = site.post("/v1/collections/bnak/documents", files={"files": (file.name, file.read_bytes())})
    assert (sent.status_code, sent.json()["error"]["code"]) == (404, "not_found")
    assert [one["name"] for one in site.get("/v1/collections").json()] == [COLLECTION]


def test_files_of_one_name_are_kept_apart_and_the_report_says_so(site: httpx.Client) -> None:
    sent = site.post(DOCUMENTS, files=[("files", ("a/x.txt", b"One.")), ("files", ("b/x.txt", b"Two."))])
    assert sent.status_code == 202
    report = finished(site, sent.json()["id"])["report"]
    first, second = sorted(report["added"])
    assert (first, second[:-10]) == ("uploads/x.txt", "uploads/x~")
    notes = {note["path"]: note["text"] for note in report["notes"] if note["kind"] == "renamed"}
    assert "Uploaded as b/x.txt." in notes[second]


def test_a_folder_of_the_server_is_ingested_by_a_job(site: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "loans.txt").write_text("A loan of 50,000 yuan is signed off by two.", encoding="utf-8")
    sent = site.post("/v1/collections/policies/ingest", json={"folder": str(tmp_path)})
    assert sent.status_code == 202
    told = finished(site, sent.json()["id"])
    assert (told["state"], told["done"], told["total"]) == ("done", 1, 1)
    assert told["report"]["added"] == ["loans.txt"]
    sent = site.post("/v1/collections/policies/ingest", json={"folder": str(tmp_path / "none")})
    assert "none" in finished(site, sent.json()["id"])["error"]


def test_another_server_knows_the_job(
    site: httpx.Client, file: Path, home: Path, workspace: FakeWorkspace
) -> None:
    sent = site.post(DOCUMENTS, files={"files": (file.name, file.read_bytes())})
    other = Jobs(workspace, home)
    for _ in range(200):
        if (job := other.get(sent.json()["id"])).state == "done":
            break
        time.sleep(0.05)
    assert job.report is not None
    assert job.report.added == ("uploads/hours.txt",)
    other.close()


def waiting_upload(workspace: FakeWorkspace, home: Path, file: Path) -> Job:
    """A job that waits behind one that never ends, of a server that has ended."""
    jobs, gate = Jobs(workspace, home), threading.Event()
    jobs._pool.submit(gate.wait)
    folder = jobs.folder()
    shutil.copy(file, folder)
    job = jobs.upload(folder, COLLECTION)
    jobs.close()
    gate.set()
    return job


def ended(jobs: Jobs, job_id: str) -> Job:
    """A job when it is done or has failed."""
    for _ in range(200):
        if (job := jobs.get(job_id)).state in {"done", "failed"}:
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_a_job_that_waits_when_its_server_ends_is_taken_over_by_the_next(
    workspace: FakeWorkspace, tmp_path: Path, file: Path
) -> None:
    job = waiting_upload(workspace, tmp_path, file)
    assert job.state == "waiting"
    assert "uploads/hours.txt" not in workspace.indexes[COLLECTION].catalogue()
    jobs = Jobs(workspace, tmp_path)
    jobs.resume()
    assert ended(jobs, job.id).report is not None
    assert "uploads/hours.txt" in workspace.indexes[COLLECTION].catalogue()
    assert list((tmp_path / "incoming").iterdir()) == []
    jobs.close()


def test_only_one_server_takes_a_job_over(workspace: FakeWorkspace, tmp_path: Path, file: Path) -> None:
    job = waiting_upload(workspace, tmp_path, file)
    calls: list[str] = []
    upload = workspace.upload

    def counted(files: Sequence[Path], collection: str, **options: Any) -> Report:
        calls.append(collection)
        return upload(files, collection, **options)

    workspace.upload = counted  # type: ignore[method-assign]
    servers = [Jobs(workspace, tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=server.resume) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended(servers[0], job.id).state == "done"
    del workspace.upload  # type: ignore[method-assign]
    assert calls == [COLLECTION]
    for server in servers:
        server.close()


def test_a_job_whose_server_was_killed_at_work_is_reported_as_failed_and_its_files_go(
    workspace: FakeWorkspace, tmp_path: Path, file: Path
) -> None:
    job = waiting_upload(workspace, tmp_path, file)
    records = RecentRecords(tmp_path, "orders", 5)
    record = records.get(job.id)
    assert record is not None
    records.put(job.id, record.body.replace('"waiting"', '"running"'), record.owner)
    jobs = Jobs(workspace, tmp_path)
    told = jobs.get(job.id)
    assert (told.state, told.error) == ("failed", _ENDED)
    assert list((tmp_path / "incoming").iterdir()) == []
    jobs.close()


@pytest.mark.parametrize(("name", "size"), [("..", 1), ("big.txt", 2**20 + 1)])
def test_a_file_without_a_name_or_too_large_is_refused(site: httpx.Client, name: str, size: int) -> None:
    sent = site.post(DOCUMENTS, files={"files": (name, b"x" * size)})
    assert sent.status_code == 422
    assert sent.json()["error"]["message"]


def test_feedback_is_kept(site: httpx.Client, workspace: FakeWorkspace) -> None:
    given = {"answer_id": "7", "verdict": "down", "correction": "700 yuan"}
    assert site.post("/v1/feedback", json=given).status_code == 204
    assert workspace.given[-1] == ("7", "down", "700 yuan", "")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BusyError, 429, "rate_limit_error"),
        (MismatchError, 409, "invalid_request_error"),
        (UnavailableError, 503, "server_error"),
        (ModelError, 503, "server_error"),
    ],
)
def test_every_failure_has_its_status_and_says_what_to_do(
    site: httpx.Client, workspace: FakeWorkspace, error: type[DomainqaError], status: int, kind: str
) -> None:
    workspace.failure = error("It is so.", "Do this.")
    told = site.post("/v1/search", json={"query": "x"})
    assert told.status_code == status
    assert told.json()["error"] | {"param": None} == {
        "message": "It is so. Do this.",
        "type": kind,
        "param": None,
        "code": error.__name__.removesuffix("Error").lower(),
    }
    assert ("retry-after" in told.headers) == (status in {429, 503})


def test_a_route_that_does_not_exist_has_the_same_shape(site: httpx.Client) -> None:
    assert site.get("/v1/jobs/none").json()["error"]["code"] == "not_found"
    for method, path in (("GET", "/v1/modles"), ("DELETE", "/v1/search"), ("POST", "/v1/models")):
        sent = site.request(method, path)
        assert sent.status_code == 404
        assert sent.json()["error"]["message"] == f"There is no {method} {path}; /docs lists the routes."


def test_a_defect_of_ours_has_the_same_shape(site: httpx.Client, workspace: FakeWorkspace) -> None:
    workspace.failure = ZeroDivisionError("a secret of ours")
    told = site.post("/v1/search", json={"query": "x"})
    assert (told.status_code, told.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in told.text


def test_a_body_that_is_not_json_is_named_as_such(site: httpx.Client) -> None:
    told = site.post("/v1/search", content=b"{query: 1}", headers={"Content-Type": "application/json"})
    assert told.status_code == 422
    assert told.json()["error"]["param"] is None
    assert told.json()["error"]["message"].startswith("The body is not JSON: ")


@pytest.mark.parametrize("body", [b'{"query": "\xff"}', b"[" * 100_000, b'{"k": ' + b"9" * 5000 + b"}"])
def test_a_body_that_cannot_be_read_is_told_why(site: httpx.Client, body: bytes) -> None:
    told = site.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert told.status_code == 400
    assert "not in UTF-8, is nested too deeply" in told.json()["error"]["message"]


def test_failures_are_described_in_the_shape_they_have(site: httpx.Client) -> None:
    described = site.get("/openapi.json").json()
    (shape,) = {
        answer["content"]["application/json"]["schema"]["$ref"]
        for operations in described["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status.startswith(("4", "5"))
    }
    assert shape.endswith("/Failure")


def test_routes_are_described_for_tools_and_people(site: httpx.Client) -> None:
    described = site.get("/openapi.json").json()
    page = site.get("/docs").text
    for path in described["paths"]:
        assert path in page
    assert "白金卡" in page and "http" not in page.replace("httpx", "")
