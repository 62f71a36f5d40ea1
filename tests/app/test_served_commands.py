"""Commands that a running server works for: the same results, rights and exit codes as by themselves."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.access.store import AccessStore
from app.access.values import grant
from app.announcement import FOLDER, LINES, Announcement, Announcer, Usual, find_server
from app.cli import cli
from app.cli.state import State
from app.settings import Settings, load_settings
from app.workspace import Workspace
from tests.app.api.test_waiting import until
from tests.app.cli.real import RealHome
from tests.app.serving import served
from tests.fake_workspace import FakeWorkspace
from tests.finetune.bank import a_pair, write_lines
from tests.finetune.registry.folders import peft_folder

ROOT = Path(__file__).parent.parent.parent
GOLD = "What does the gold card cost a year?"
# What differs from one run to the next: identifiers, how long it took, and the files of an open database.
CHANGING = re.compile(
    r'"(seconds|answer_id|size_bytes)":("[^"]*"|[\d.e-]+)|\d+ ms|[\d.]+ kB|[\d.]+ s, \d+ passages a second'
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHome]:
    """A home with a small bank, adapters and pairs; only its models are fakes, and no adapter is shipped."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.adapters.SHIPPED", folder / "nothing")
        yield filled(folder)


def filled(folder: Path) -> RealHome:
    made = RealHome(folder, folder / "never loaded", adapters=("fees",))
    made.run("adapters", "import", str(peft_folder(folder / "fees")), "--name", "fees")
    made.run("adapters", "import", str(peft_folder(folder / "more")), "--name", "fees")
    pairs = write_lines(folder / "faq.jsonl", [a_pair("gold"), a_pair("lake", answer="3 yuan")])
    made.run("pairs", "import", str(pairs), "--licence", "CC0")
    return made


@pytest.fixture(scope="module")
def server(bank: RealHome) -> Iterator[str]:
    """The address of a server on it."""
    settings = load_settings({"home": bank.home})
    with bank.open(settings) as workspace, served(workspace, settings) as address:
        yield address


def run_by_server(home: Path, *words: str, stdin: str | None = None) -> Any:
    """A command that may not open anything itself."""

    def opened(settings: Settings) -> Workspace:
        raise AssertionError("The command works by itself.")

    return CliRunner().invoke(cli, words, obj=State(home=home, open=opened), input=stdin)


def seen(result: Any) -> tuple[int, str, str]:
    """What a command shows, without what changes from run to run."""
    return result.exit_code, CHANGING.sub("…", result.stdout), CHANGING.sub("…", result.stderr)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "words",
    [
        ("ask", GOLD),
        ("ask", GOLD, "--json"),
        ("ask", GOLD, "--json", "--style", "words", "--adapter", "fees@1"),
        ("ask", GOLD, "--document", "lake.txt", "--after", "2001-01-01"),
        ("ask", "Who invented velcro?"),
        ("ask", ""),
        ("ask", "x" * 2001),
        ("ask", GOLD, "-c", "nobody"),
        ("ask", GOLD, "--adapter", "nobody", "--json"),
        ("search", "gold card", "-k", "2"),
        ("search", "gold card", "--json"),
        ("search", "gold card", "-c", "nobody"),
        ("documents",),
        ("documents", "list", "--json"),
        ("documents", "show", "gold.txt"),
        ("documents", "show", "gold.txt", "--json"),
        ("documents", "show", "nothing.txt"),
        ("documents", "delete", "nothing.txt"),
        ("collections",),
        ("collections", "--json"),
        ("collections", "create", "bank"),
        ("collections", "delete", "nobody", "--yes"),
        ("adapters",),
        ("adapters", "list", "--json"),
        ("adapters", "show", "fees@2"),
        ("adapters", "show", "fees@2", "--json"),
        ("adapters", "show", "nobody"),
        ("adapters", "verify"),
        ("adapters", "promote", "fees@9"),
        ("adapters", "promote", "fees"),
        ("pairs",),
        ("pairs", "list", "--json"),
        ("pairs", "check", "{folder}/faq.jsonl"),
        ("pairs", "check", "{folder}/faq.jsonl", "--json"),
        ("pairs", "import", "{folder}/nothing.jsonl"),
        ("pairs", "feedback", "--json"),
        ("pairs", "feedback"),
        ("pairs", "remove", "nothing"),
        ("ingest", "{folder}/documents"),
        ("ingest", "{folder}/documents", "--json"),
        ("ingest", "{folder}/nowhere"),
    ],
    ids=" ".join,
)
def test_people_and_programs_see_the_same(bank: RealHome, words: tuple[str, ...]) -> None:
    words = tuple(word.format(folder=bank.home.parent) for word in words)
    by_server = run_by_server(bank.home, *words)
    alone = bank.run(*words, "--no-server")
    assert seen(by_server) == seen(alone)
    assert "is not used" not in by_server.stderr


@pytest.mark.usefixtures("server")
def test_what_a_server_does_is_done(bank: RealHome, tmp_path: Path) -> None:
    def by_server(*words: str) -> str:
        result = run_by_server(bank.home, *words)
        assert result.exit_code == 0, result.stderr
        return str(result.stdout)

    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "loan.txt").write_text("A loan costs 3 percent.", encoding="utf-8")
    told = json.loads(by_server("ingest", str(tmp_path / "new"), "-c", "loans", "--ocr", "off", "--json"))
    assert (told["collection"], told["added"]) == ("loans", ["loan.txt"])
    by_server("ingest", str(tmp_path / "new"), "-c", "loans", "--rebuild")
    by_server("collections", "export", "loans", str(tmp_path / "loans.zip"))
    by_server("collections", "import", str(tmp_path / "loans.zip"), "--as", "copy")
    by_server("documents", "delete", "loan.txt", "-c", "copy")
    by_server("collections", "create", "empty")
    names = [one["name"] for one in json.loads(by_server("collections", "--json")) if not one["documents"]]
    assert names == ["copy", "empty"]
    by_server("collections", "delete", "empty", "--yes")
    assert by_server("adapters", "promote", "fees@1").startswith("fees@1 is live")
    assert by_server("adapters", "rollback", "fees").startswith("No version of fees is live; fees@1")
    by_server("adapters", "export", "fees@1", str(tmp_path / "lora"))
    assert by_server("adapters", "import", str(tmp_path / "lora"), "--name", "new") == "new@1\n"
    by_server("adapters", "remove", "new@1")
    by_server("pairs", "export", str(tmp_path / "pairs.jsonl"))
    assert by_server("pairs", "import", str(tmp_path / "pairs.jsonl")) == "Imported pairs: 1 pair.\n"
    by_server("pairs", "remove", "pairs")
    assert by_server("pairs", "generate", "--passages", "1").startswith("Generated: ")


@pytest.mark.usefixtures("server")
def test_batches_come_line_by_line(bank: RealHome) -> None:
    lines = f'{{"id": 1, "question": "{GOLD}"}}\n\n{{"id": "two", "question": "Lake card?"}}\n{{"id": 3}}\n'
    for command in ("ask", "search"):
        result = run_by_server(bank.home, command, "--batch", "-", stdin=lines)
        assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1, "two"]
        assert (result.exit_code, "1 of 3 lines" in result.stderr) == (3, True)


def test_only_the_announced_token_opens_this_door(bank: RealHome, server: str) -> None:
    admin = AccessStore(bank.home).keys.create("boss", grant("admin"))
    found = find_server(bank.home)
    assert isinstance(found, Announcement)
    for token, status in ((None, 403), (admin, 403), (found.token[:-1], 403), (found.token, 200)):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        path = f"{server}v1/operations/collections.catalogue"
        assert httpx.post(path, json={}, headers=headers).status_code == status
        if status == 200:  # it is an administrator's elsewhere
            assert httpx.get(f"{server}reports/runs/x", headers=headers).status_code == 404


@pytest.mark.parametrize("name", ["questions.Question", "values.perform", "questions.nothing", "os.system"])
def test_nothing_but_operations_can_be_called(bank: RealHome, server: str, name: str) -> None:
    found = find_server(bank.home)
    assert isinstance(found, Announcement)
    headers = {"authorization": f"Bearer {found.token}"}
    assert httpx.post(f"{server}v1/operations/{name}", json={}, headers=headers).status_code == 404


@pytest.mark.usefixtures("server")
def test_the_way_through_a_server_loads_next_to_nothing(bank: RealHome) -> None:
    code = f"""
import sys
from app.cli import main
try:
    main(["ask", {GOLD!r}, "--home", {str(bank.home)!r}])
except SystemExit as end:
    assert not end.code
heavy = {{"torch", "transformers", "gradio", "fastapi", "pydantic_settings", "numpy", "httpx", "asyncio"}}
sys.exit(f"loaded: {{heavy & sys.modules.keys()}}" if heavy & sys.modules.keys() else 0)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "gold.txt" in ended.stdout


def test_a_server_announces_itself_as_long_as_it_runs(tmp_path: Path) -> None:
    workspace = FakeWorkspace()
    with served(workspace, Settings(home=tmp_path)) as address:
        found = find_server(tmp_path)
        assert isinstance(found, Announcement)
        assert address == f"http://127.0.0.1:{found.port}/"
    assert find_server(tmp_path) is None
    (tmp_path / "settings.toml").write_text('use_server = "off"')
    with served(FakeWorkspace(), load_settings({"home": tmp_path})):
        assert find_server(tmp_path) is None


def test_a_server_that_cannot_announce_itself_says_so_and_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FOLDER).touch()
    with served(FakeWorkspace(), Settings(home=tmp_path)) as address:
        assert httpx.get(f"{address}healthz").status_code == 200
        assert find_server(tmp_path) is None
    assert '"event": "not announced"' in capsys.readouterr().err


def test_the_setting_keeps_commands_to_themselves(
    run: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with announced(home, 1):
        assert "is not used: it does not answer" in run("documents").stderr
        monkeypatch.setenv("DOMAINQA_USE_SERVER", "off")
        assert "is not used" not in run("documents").stderr
        monkeypatch.setenv("DOMAINQA_USE_SERVER", "sometimes")
        assert run("documents").exit_code == 3


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder."""
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def run(home: Path) -> Callable[..., Any]:
    """Runs commands over a workspace in memory."""
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The gold card costs 200 a year.", "Fees")

    def invoke(*words: str) -> Any:
        state = State(home=home, open=lambda _: workspace)  # type: ignore[arg-type,return-value]
        result = CliRunner().invoke(cli, words, obj=state)
        result.asked = len(workspace.asked)
        return result

    return invoke


@contextmanager
def announced(home: Path, port: int) -> Iterator[Announcer]:
    """An announcement, whoever answers there."""
    announcer = Announcer(home)
    announcer.announce("127.0.0.1", port, Usual("bank", "en", 2000))
    yield announcer
    announcer.withdraw()


@contextmanager
def answering(home: Path, answer: bytes) -> Iterator[list[bytes]]:
    """An announced server that gives one answer and goes away; the requests that it got."""
    requests: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        with announced(home, listening.getsockname()[1]):
            yield requests
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def response(status: str, kind: str, body: str, length: int = 10_000) -> bytes:
    """An HTTP response that promises more than it gives."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    return (head + body).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        response("200 OK", LINES, ""),
        response("200 OK", LINES, 'searched 4\n\npiece "The gold"\n'),
        response("200 OK", LINES, "", 0),
        b"nonsense\r\n\r\n",
    ],
)
def test_a_server_that_goes_away_in_the_middle_is_reported_and_nothing_is_asked_twice(
    run: Callable[..., Any], home: Path, answer: bytes
) -> None:
    with answering(home, answer) as requests:
        result = run("ask", "gold card", "--json")
    assert (result.exit_code, result.stdout, result.asked, len(requests)) == (10, "", 0, 1)
    (line,) = result.stderr.splitlines()
    assert line == (
        "Error: The server ended or fell silent before it had finished. "
        "What it was asked has not been repeated. Run the command again."
    )


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "200 OK"])
def test_a_foreign_server_is_left_and_the_command_works_by_itself(
    run: Callable[..., Any], home: Path, status: str
) -> None:
    with answering(home, response(status, "application/json", "{}")) as requests:
        result = run("ask", "gold card")
    assert (result.exit_code, result.asked, len(requests)) == (0, 1, 1)
    assert "The gold card costs 200 a year. [1]" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line == (
        f"The server on {home} is not used: it refused the command (status {status[:3]}). "
        "Working in this process."
    )


def test_a_defect_of_the_server_is_no_reason_to_ask_again(run: Callable[..., Any], home: Path) -> None:
    defect = 'error ["The server failed unexpectedly; its log says why.", "", 1]\n'
    for answer in (response("500 Oops", "text/plain", ""), response("200 OK", LINES, defect)):
        with answering(home, answer) as requests:
            result = run("ask", "gold card")
        assert (result.exit_code, result.asked, len(requests)) == (1, 0, 1)
        assert result.stderr == "Error: The server failed unexpectedly; its log says why.\n"


def test_a_full_queue_is_reported(tmp_path: Path) -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The gold card costs 200 a year.", "Fees")
    workspace.pause = 0.2
    with served(workspace, Settings(home=tmp_path, max_waiting=1)):
        first = threading.Thread(target=run_by_server, args=(tmp_path, "ask", "gold card"))
        first.start()
        until(lambda: len(workspace.asked) == 1)
        result = run_by_server(tmp_path, "ask", "gold card")
        first.join()
        assert (result.exit_code, len(workspace.asked)) == (7, 1)
        assert result.stderr.startswith("Error: 1 questions are waiting, and no more are accepted.")
        assert run_by_server(tmp_path, "ask", "gold card").exit_code == 0


def test_a_command_that_is_stopped_ends_the_answer(tmp_path: Path) -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", f"The gold card costs {'very ' * 200}much.", "Fees")
    workspace.pause = 0.05
    with served(workspace, Settings(home=tmp_path)):
        command = [sys.executable, "-m", "app.cli", "ask", "gold card", "--home", str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT) as asking:
            until(lambda: len(workspace.asked) == 1)
            asking.terminate()
        until(lambda: "domainqa_questions_inside 0.0" in workspace.metrics.text().decode())
