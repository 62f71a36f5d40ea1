"""Each use case asks for its right first, and none can be called that states none."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from answering.values import Question, Task
from app.access.values import LOCAL, ForbiddenError, Principal
from app.page.frame import Frame, Wording
from app.page.runs import Runs
from app.page.texts import EN
from app.session import Session, closed, needs
from finetune.retrain.runs import RunRequest
from knowledge_base.ingest import silent
from tests.fake_workspace import FakeWorkspace

READER = Principal("li", "reader", frozenset({"bank"}), "user")
EDITOR = Principal("wang", "editor", frozenset({"bank", "new"}), "user")
ADMIN = Principal("zhao", "admin", None, "user")

Call = Callable[[Session], Any]
# Every use case with a call of it: the right it needs, then the same for a collection of somebody else.
CALLS: dict[str, tuple[str, Call, Call | None]] = {
    "collections": ("read", lambda s: s.collections(), None),
    "collection": ("read", lambda s: s.collection("bank"), lambda s: s.collection("staff")),
    "create_collection": (
        "write",
        lambda s: s.create_collection("new"),
        lambda s: s.create_collection("other"),
    ),
    "delete_collection": (
        "write",
        lambda s: s.delete_collection("bank"),
        lambda s: s.delete_collection("staff"),
    ),
    "readable": ("read", lambda s: s.readable("a message"), None),
    "ingest": ("admin", lambda s: s.ingest(Path(), "bank"), lambda s: s.ingest(Path(), "staff")),
    "upload": ("write", lambda s: s.upload([], "bank"), lambda s: s.upload([], "staff")),
    "documents": ("read", lambda s: s.documents("bank"), lambda s: s.documents("staff")),
    "document": ("read", lambda s: s.document("bank", "fees.txt"), lambda s: s.document("staff", "pay.txt")),
    "page_picture": (
        "read",
        lambda s: s.page_picture("bank", "fees.txt", 1, 300),
        lambda s: s.page_picture("staff", "pay.txt", 1, 300),
    ),
    "delete_document": (
        "write",
        lambda s: s.delete_document("bank", "fees.txt"),
        lambda s: s.delete_document("staff", "pay.txt"),
    ),
    "search": ("read", lambda s: s.search(["gold"], "bank"), lambda s: s.search(["pay"], "staff")),
    "ask": ("read", lambda s: s.ask(Question("gold", "bank")), lambda s: s.ask(Question("pay", "staff"))),
    "write": ("read", lambda s: s.write(a_task("bank")), lambda s: s.write(a_task("staff"))),
    "count_tokens": ("read", lambda s: s.count_tokens(["gold"]), None),
    "embedder": ("read", lambda s: s.embedder(), None),
    "reranker": ("read", lambda s: s.reranker(), None),
    "feedback": ("read", lambda s: s.feedback("1", "up"), None),
    "feedback_on": ("read", lambda s: s.feedback_on("bank"), lambda s: s.feedback_on("staff")),
    "metrics": ("read", lambda s: s.metrics(), None),
    "adapters": ("read", lambda s: s.adapters("bank"), lambda s: s.adapters("staff")),
    "choices": ("read", lambda s: s.choices("bank"), lambda s: s.choices("staff")),
    "versions": ("read", lambda s: s.versions(), None),
    "aliases": ("read", lambda s: s.aliases("bank"), None),
    "version": ("admin", lambda s: s.version("bank@1"), None),
    "promote": ("admin", lambda s: s.promote("bank", 1), None),
    "roll_back": ("admin", lambda s: s.roll_back("bank"), None),
    "pairs": ("read", lambda s: s.pairs("bank"), lambda s: s.pairs("staff")),
    "import_pairs": ("admin", lambda s: s.import_pairs("bank", Path("a.csv")), None),
    "remove_pairs": ("admin", lambda s: s.remove_pairs("bank", "a"), None),
    "retrainings": ("read", lambda s: s.retrainings(), None),
    "retraining": ("admin", lambda s: s.retraining("1"), None),
    "losses": ("admin", lambda s: s.losses("1"), None),
    "start_retraining": ("admin", lambda s: s.start_retraining(RunRequest("bank", "bank")), None),
    "continue_retraining": ("admin", lambda s: s.continue_retraining("1"), None),
    "stop_retraining": ("admin", lambda s: s.stop_retraining("1"), None),
}
ALLOWED = {"reader": {"read"}, "editor": {"read", "write"}, "admin": {"read", "write", "admin"}}


def a_task(collection: str) -> Task:
    """Something to write in a collection."""
    from retrieval.prompt import Message

    return Task((Message("user", "Hello"),), collection)


@pytest.fixture
def workspace() -> FakeWorkspace:
    made = FakeWorkspace()
    made.put("bank", "fees.txt", "The gold card costs 200 a year.")
    made.put("staff", "pay.txt", "The pay is secret.")
    return made


def outcome(call: Call, session: Session) -> type[Exception] | None:
    """The error of a call, if there is one; what the fakes cannot do is an error of another kind."""
    try:
        call(session)
    except Exception as error:  # noqa: BLE001 - only its kind matters here
        return type(error)
    return None


def test_every_use_case_states_a_right_and_is_called_here() -> None:
    public = {name for name, member in vars(Session).items() if not name.startswith("_")}
    assert public == set(CALLS)
    for name, (right, _, _) in CALLS.items():
        assert getattr(Session, name).right == right, name


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("principal", [READER, EDITOR, ADMIN, LOCAL], ids=lambda one: one.name)
def test_each_role_may_what_it_may(workspace: FakeWorkspace, name: str, principal: Principal) -> None:
    right, call, foreign = CALLS[name]
    session = Session(workspace, principal)
    refused = outcome(call, session) is ForbiddenError
    assert refused == (right not in ALLOWED[principal.role])
    if foreign is not None and principal.collections is not None:
        assert outcome(foreign, session) is ForbiddenError
        assert "staff" in workspace.indexes and "other" not in workspace.indexes


def test_arguments_by_name_are_checked_too(workspace: FakeWorkspace) -> None:
    with pytest.raises(ForbiddenError):
        Session(workspace, READER).documents(collection="staff")
    with pytest.raises(ForbiddenError):
        Session(workspace, EDITOR).upload(files=[], collection="staff", progress=silent)


def test_a_use_case_without_a_right_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="state no right: forgotten"):

        @closed
        class Careless(Session):
            @needs("read")
            def remembered(self) -> None:
                """States one."""

            def forgotten(self) -> None:
                """States none."""


def test_lists_leave_out_what_is_not_the_callers(workspace: FakeWorkspace) -> None:
    reader = Session(workspace, READER)
    assert [info.name for info in reader.collections()] == ["bank"]
    workspace.runs.create(RunRequest("bank", "bank"))
    assert (*reader.feedback_on("bank"), *reader.pairs("bank"), *reader.retrainings()) == ()
    assert len(Session(workspace, LOCAL).retrainings()) == 1
    assert [info.name for info in Session(workspace, LOCAL).collections()] == ["bank", "staff"]


@pytest.fixture
def frame(workspace: FakeWorkspace) -> Iterator[Frame]:
    """The frame of a page whose components are never shown."""
    with gr.Blocks():
        made = Frame(workspace, Runs(), 1, Wording(EN), gr.Radio(["en"]), gr.Dropdown(), gr.HTML())
    yield made
    made.runs.close()


def bound(frame: Frame, handler: Callable[..., Any], stream: bool = False) -> Callable[..., Any]:
    """What Gradio is given to call for a handler."""
    caught: list[Callable[..., Any]] = []
    listen = frame.listen_stream if stream else frame.listen
    listen(lambda safe, **_: caught.append(safe), handler, set(), [])
    return caught[0]


def request_of(principal: object) -> Any:
    return SimpleNamespace(state=SimpleNamespace(principal=principal))


def test_a_handler_gets_the_session_of_whoever_sent_the_event(frame: Frame) -> None:
    def handler(session: Session, values: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        return {frame.collection: f"{values} {session.principal.name}"}

    called = bound(frame, handler)
    assert called(request_of(READER), "hello", None, None) == {frame.notice: "", frame.collection: "hello li"}
    with pytest.raises(TypeError, match="middleware"):
        called(request_of("li"), "hello", None, None)


def test_what_is_forbidden_is_a_message_on_the_page(frame: Frame) -> None:
    def handler(session: Session, values: str) -> dict[Any, Any]:
        session.delete_collection("bank")
        return {}

    def steps(session: Session, values: str) -> Iterator[dict[Any, Any]]:
        yield {frame.collection: "begun"}
        session.delete_collection("bank")

    assert "may not" in bound(frame, handler)(request_of(READER), "")[frame.notice]
    *_, last = bound(frame, steps, stream=True)(request_of(READER), "")
    assert "may not" in last[frame.notice]


def test_a_stream_that_is_left_ends_its_work(frame: Frame) -> None:
    closed_steps: list[bool] = []

    def steps(session: Session, values: str) -> Iterator[dict[Any, Any]]:
        try:
            yield {frame.collection: session.principal.name}
            yield {frame.collection: "never"}
        finally:
            closed_steps.append(True)

    shown = bound(frame, steps, stream=True)(request_of(READER), "")
    assert [next(shown), next(shown)] == [{frame.notice: ""}, {frame.collection: "li"}]
    shown.close()
    assert closed_steps == [True]
