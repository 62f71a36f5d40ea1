"""Behind the page each function asks whether its caller may, wherever Gradio runs it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from answering.values import Question
from app.access.caller import acting, caller
from app.access.values import LOCAL, ForbiddenError, Principal
from app.page.callers import as_caller
from app.page.guarded import GuardedService
from app.page.runs import Runs
from app.retraining.values import RunRequest
from tests.fake_workspace import FakeWorkspace

READER = Principal("li", "reader", frozenset({"bank"}), "user")
EDITOR = Principal("wang", "editor", frozenset({"bank", "new"}), "user")


@pytest.fixture
def workspace() -> FakeWorkspace:
    made = FakeWorkspace()
    made.put("bank", "fees.txt", "The gold card costs 200 a year.")
    made.put("staff", "pay.txt", "The pay is secret.")
    return made


@pytest.fixture
def service(workspace: FakeWorkspace) -> GuardedService:
    return GuardedService(workspace)


Call = Callable[[GuardedService], Any]
READ: list[Call] = [
    lambda s: s.documents("bank"),
    lambda s: s.document("bank", "fees.txt"),
    lambda s: s.search(["gold"], "bank"),
    lambda s: list(s.ask(Question("gold", "bank"))),
    lambda s: s.adapters("bank"),
    lambda s: s.registry.names(),
]
WRITE: list[Call] = [
    lambda s: s.create_collection("new"),
    lambda s: s.delete_document("bank", "fees.txt"),
    lambda s: s.delete_collection("bank"),
    lambda s: s.upload([], "bank", progress=None),
]
ADMIN: list[Call] = [
    lambda s: s.registry.promote("bank", 1),
    lambda s: s.registry.rollback("bank"),
    lambda s: s.pairs.import_file("bank", Path("a.csv")),
    lambda s: s.runs.create(RunRequest("bank", "bank")),
    lambda s: s.runs.start("1"),
    lambda s: s.runs.stop("1"),
    lambda s: s.runs.get("1"),
    lambda s: s.runs.curve("1"),
]
ELSEWHERE: list[Call] = [
    lambda s: s.documents("staff"),
    lambda s: s.document("staff", "pay.txt"),
    lambda s: s.search(["pay"], "staff"),
    lambda s: s.ask(Question("pay", "staff")),
    lambda s: s.adapters("staff"),
    lambda s: s.create_collection("other"),
    lambda s: s.delete_collection("staff"),
    lambda s: s.delete_document("staff", "pay.txt"),
    lambda s: s.upload([], "staff", progress=None),
]


@pytest.mark.parametrize("call", READ)
def test_a_reader_reads(service: GuardedService, call: Call) -> None:
    with acting(READER):
        assert call(service) is not None


@pytest.mark.parametrize("call", [*WRITE, *ADMIN, *ELSEWHERE])
def test_a_reader_may_nothing_else(service: GuardedService, workspace: FakeWorkspace, call: Call) -> None:
    with acting(READER), pytest.raises(ForbiddenError):
        call(service)
    assert set(workspace.indexes) == {"bank", "staff"}


@pytest.mark.parametrize("call", [*ADMIN, *ELSEWHERE])
def test_an_editor_may_neither_retrain_nor_touch_other_collections(
    service: GuardedService, call: Call
) -> None:
    with acting(EDITOR), pytest.raises(ForbiddenError):
        call(service)


def test_an_editor_writes_into_collections_of_its_own(
    service: GuardedService, workspace: FakeWorkspace
) -> None:
    with acting(EDITOR):
        service.create_collection("new")
        service.delete_document("bank", "fees.txt")
        service.delete_collection("bank")
    assert set(workspace.indexes) == {"new", "staff"}


def test_lists_leave_out_what_is_not_the_callers(service: GuardedService) -> None:
    with acting(READER):
        assert [info.name for info in service.collections()] == ["bank"]
        assert (*service.feedback_on("bank"), *service.pairs.list("bank"), *service.runs.list()) == ()
    with acting(LOCAL):
        assert [info.name for info in service.collections()] == ["bank", "staff"]


def test_nothing_is_done_for_nobody(service: GuardedService) -> None:
    for call in (*READ, *WRITE, *ADMIN, lambda s: s.collections()):
        with pytest.raises(LookupError):
            call(service)


def request_of(principal: object) -> Any:
    return SimpleNamespace(state=SimpleNamespace(principal=principal))


def test_a_handler_acts_for_whoever_sent_the_event() -> None:
    def handler(values: str, event: gr.EventData, request: gr.Request) -> str:
        return f"{values} {caller().name}"

    bound = as_caller(handler)
    assert bound(request_of(READER), "hello", None, None) == "hello li"
    with pytest.raises(LookupError):
        caller()
    with pytest.raises(TypeError, match="middleware"):
        bound(request_of("li"), "hello", None, None)


def test_each_step_acts_for_whoever_sent_the_event_and_so_does_work_in_other_threads() -> None:
    runs, closed = Runs(), []

    def handler(values: str) -> Iterator[str]:
        try:
            yield caller().name
            for batch in runs.run("session", lambda emit, _: emit(caller().name)):
                yield from batch
            yield "last"
        finally:
            closed.append(True)

    steps = as_caller(handler)(request_of(READER), "hello")
    found: list[str] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(next(steps)))
        thread.start()
        thread.join()
    steps.close()
    runs.close()
    assert found == ["li", "li"]
    assert closed == [True]
