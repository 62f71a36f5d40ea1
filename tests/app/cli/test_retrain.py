"""`domainqa retrain`, `train` and `evaluate`: what they take, say and return; training itself is a fake."""

import json
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.cli.training_options import HELP
from app.training_schema import Evaluation
from finetune.files import ResultFolder
from finetune.pipeline import Pipeline
from finetune.reasons import Reason, StoredReason
from finetune.registry.registry import Registry
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import OnStatus, Outcome, Status
from finetune.settings import TrainSettings
from finetune.training.train import ADAPTER, Processes
from finetune.training.values import Base, OnProgress, Point, Progress, Sample, Trained
from tests.answering.generation.tiny import save_model
from tests.app.cli.real import RealHome
from tests.finetune.bank import THINGS, a_pair, write_lines, write_pairs
from tests.finetune.registry.folders import peft_folder

SMALL = ("--set", "test_share=0.3", "--set", "calibration_share=0.3", "--rank", "2")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"), "llama")


@pytest.fixture
def bank(tmp_path: Path, model: Path) -> RealHome:
    return RealHome(tmp_path, model, adapters=("bank@1",))


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    return str(write_pairs(tmp_path / "fees.jsonl"))


class Verdict:
    promoted = True
    reasons: tuple[StoredReason, ...] = ("Because.",)
    kill = False


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """Retraining takes no time, and ends as `Verdict` says. The list holds what was asked."""
    asked: list[RunRequest] = []

    def carry_out(pipeline: Pipeline, request: RunRequest, folder: ResultFolder, tell: OnStatus) -> Outcome:
        asked.append(request)
        tell(Status("pairs", 0, 0))
        tell(Status("train", 1, 2, "90 tokens/s", 2.5, 2.75, 1.0))
        tell(Status("evaluate", 3, 9, "base"))
        if Verdict.kill:
            os.kill(os.getpid(), signal.SIGTERM)
        outcome = Outcome(
            request.name, 3, Verdict.promoted, Verdict.reasons, str(folder.path / "report.html")
        )
        folder.store("outcome", outcome)
        return outcome

    monkeypatch.setattr("finetune.retrain.commands.carry_out", carry_out)
    monkeypatch.setattr(Verdict, "kill", False)
    return asked


@pytest.mark.parametrize("promoted", [True, False])
def test_both_verdicts_are_success_and_say_why(
    bank: RealHome, pairs: str, carried: list[RunRequest], monkeypatch: pytest.MonkeyPatch, promoted: bool
) -> None:
    monkeypatch.setattr(Verdict, "promoted", promoted)
    result = bank.run("retrain", "--pairs", pairs)
    assert result.exit_code == 0, result.stderr
    first, reason, report = result.stdout.splitlines()
    assert first.startswith("bank@3 is promoted" if promoted else "bank@3 is rejected")
    assert reason == "- Because."
    assert report.endswith("report.html")
    for told in (
        "Collecting pairs",
        "Training: 1 of 2, loss 2.500, validation 2.750",
        "Testing: base: 3 of 9",
    ):
        assert told in result.stderr
    told = json.loads(bank.run("retrain", "--pairs", pairs, "--json").stdout)
    assert (told["adapter"], told["promoted"], told["reasons"]) == ("bank@3", promoted, ["Because."])


def test_reasons_are_reported_in_the_language_of_the_settings(
    bank: RealHome, pairs: str, carried: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verdict, "reasons", (Reason("few_answerable", {"count": 3, "least": 30}),))
    assert "- Too few test questions: 3 are answerable" in bank.run("retrain", "--pairs", pairs).stdout
    monkeypatch.setenv("DOMAINQA_LANGUAGE", "zh")
    told = json.loads(bank.run("retrain", "--pairs", pairs, "--json").stdout)
    assert told["reasons"] == ["测试问题太少：可回答的有 3 个，至少需要 30 个。"]


def test_everything_that_is_given_reaches_the_run(
    bank: RealHome, pairs: str, carried: list[RunRequest]
) -> None:
    words = ("--name", "fees", "--generate", "5", "--no-feedback", "--no-stored", "--epochs", "3")
    more = ("--rank", "4", "--learning-rate", "0.001", "--seed", "7", "--set", "test-questions=9")
    assert bank.run("retrain", "--pairs", pairs, *words, *more).exit_code == 0
    wanted = {"epochs": 3.0, "rank": 4, "learning_rate": 0.001, "seed": 7, "test_questions": "9"}
    assert carried == [RunRequest("bank", "fees", (Path(pairs),), False, False, 5, wanted)]


def test_the_same_command_continues_a_killed_run(
    bank: RealHome, pairs: str, carried: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Verdict, "kill", True)
    stopped = bank.run("retrain", "--pairs", pairs)
    assert stopped.exit_code == 130
    assert "Stopped" in stopped.stderr
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.setattr(Verdict, "kill", False)
    (run,) = [folder.name for folder in (bank.home / "runs").iterdir() if folder.is_dir()]
    (bank.home / "runs" / run / "events.jsonl").write_text('{"step": "check", "done": 0, "total": 1}')
    result = bank.run("retrain", "--pairs", pairs)
    assert f"Continuing {run}." in result.stderr
    assert json.loads(bank.run("retrain", "--run", run, "--json").stdout)["run"] == run
    assert len(carried) == 2


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--run", "nothing"), 4, "There is no retraining nothing"),
        (("--name", "base"), 3, "cannot be the name"),
        (("--pairs", "missing"), 3, "There is no file or folder missing"),
        (("--set", "rank"), 2, "NAME=VALUE"),
        (("--set", "ranc=3", "--epochs", "0"), 3, "ranc: there is no such option"),
        ((), 3, "nothing to train on"),
    ],
)
@pytest.mark.parametrize("command", ["retrain", "train"])
def test_what_cannot_be_started(
    bank: RealHome,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    words: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    monkeypatch.setattr("finetune.pipeline.Pipeline.check_host", lambda _pipeline: None)
    if (command, words[:1]) == ("train", ("--run",)):
        code, told = 2, "No such option"
    result = bank.run(command, *words)
    assert result.exit_code == code
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_one_at_a_time(bank: RealHome, pairs: str, carried: list[RunRequest]) -> None:
    from finetune.retrain.runs import RunStore

    runs = RunStore(bank.home)
    other = runs.create(RunRequest("bank", "other"))
    with runs.working(other.id):
        for command in ("retrain", "train"):
            result = bank.run(command, "--pairs", pairs)
            assert (result.exit_code, other.id in result.stderr) == (7, True)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[TrainSettings]:
    """Training takes no time; the list holds with which settings it was done."""
    done: list[TrainSettings] = []

    def train(
        samples: Sequence[Sample],
        base: Base,
        settings: TrainSettings,
        folder: Path,
        progress: OnProgress,
        texts: Sequence[str],
    ) -> Trained:
        assert all(texts)
        progress(Progress(1, 1, 1.0, None, 10.0, 0.0))
        peft_folder(folder / ADAPTER)
        done.append(settings)
        return Trained((Point(1, 1.0),), None, 1, 0.1, ())

    monkeypatch.setattr("finetune.retrain.retraining.train", train)
    return done


def test_train_prints_a_folder_that_can_be_imported(
    bank: RealHome, pairs: str, trainings: list[TrainSettings]
) -> None:
    result = bank.run("train", "--pairs", pairs, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert bank.run("adapters", "import", result.stdout.strip(), "--name", "bank").stdout == "bank@1\n"
    assert bank.run("train", "--pairs", pairs, *SMALL).stdout == result.stdout
    assert [settings.rank for settings in trainings] == [2]
    assert bank.run("train", "--pairs", pairs, *SMALL, "--seed", "1").stdout != result.stdout
    assert not (bank.home / "runs").exists() or list((bank.home / "runs").glob("*/run.json")) == []


def test_train_leaves_a_report(bank: RealHome, pairs: str, trainings: list[TrainSettings]) -> None:
    told = json.loads(bank.run("train", "--pairs", pairs, *SMALL, "--json").stdout)
    assert Path(told["adapter"]).is_dir()
    assert "Training of bank" in Path(told["report"]).read_text(encoding="utf-8")
    assert f"Report: {told['report']}" in bank.run("train", "--pairs", pairs, *SMALL).stderr


@pytest.fixture
def adapter(bank: RealHome, tmp_path: Path) -> str:
    registry = Registry(bank.home / "adapters")
    registry.promote("bank", registry.register("bank", peft_folder(tmp_path / "made")))
    return "bank@1"


def test_adapters_are_measured_beside_the_base(bank: RealHome, pairs: str, adapter: str) -> None:
    result = bank.run("evaluate", "bank", "--pairs", pairs, "--set", "test_share=0.5", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert [one["name"] for one in told["contenders"]] == ["base", "base + examples", "bank@1"]
    assert {one["count"] for one in told["contenders"]} == {told["cases"]}
    assert [group["group"] for group in told["groups"]] == []  # all are facts in English
    assert Evaluation.model_validate(told).model_dump(mode="json") == told
    assert {"mean", "low", "high", "count"} == told["contenders"][0]["f1"].keys()
    assert [(gain["adapter"], gain["over"]) for gain in told["gains"]] == [
        ("bank@1", "base"),
        ("bank@1", "base + examples"),
    ]


def test_evaluate_leaves_a_report(
    bank: RealHome, tmp_path: Path, adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = a_pair("gold", id="lost", answer="3 yuan")
    file = write_lines(tmp_path / "fees.jsonl", [*map(a_pair, THINGS), lost])
    words = ("evaluate", "bank", "--pairs", str(file), "--set", "test_share=0.5")
    told = json.loads(bank.run(*words, "--json").stdout)
    page = Path(told["report"]).read_text(encoding="utf-8")
    for wanted in (
        "Evaluation on bank",
        "bank@1",
        "the evidence does not contain the answer",
        "side by side",
    ):
        assert wanted in page
    monkeypatch.setenv("DOMAINQA_LANGUAGE", "zh")
    assert f"Report: {told['report']}" in bank.run(*words).stderr
    assert "在 bank 上的评测" in Path(told["report"]).read_text(encoding="utf-8")


def test_what_was_answered_is_not_asked_again_and_without_a_name_the_live_one_is(
    bank: RealHome, pairs: str, adapter: str
) -> None:
    shown = bank.run("evaluate", "--pairs", pairs, "--set", "test_share=0.5")
    asked = len(bank.generator.requests)
    again = bank.run("evaluate", "bank", "--pairs", pairs, "--set", "test_share=0.5")
    assert shown.stdout == again.stdout
    assert len(bank.generator.requests) == asked > 0
    assert "Gain in F1 of bank@1 over base + examples: " in shown.stdout
    assert "95 % interval" in shown.stderr


def test_all_pairs_are_asked_on_request(bank: RealHome, pairs: str) -> None:
    some = json.loads(bank.run("evaluate", "--pairs", pairs, "--json").stdout)
    everything = json.loads(bank.run("evaluate", "--pairs", pairs, "--all", "--json").stdout)
    assert everything["cases"] > some["cases"] > 0
    assert everything["gains"] == []


@pytest.mark.parametrize(("words", "code"), [(("nobody",), 4), (("a b",), 3), ((), 3)])
def test_what_cannot_be_evaluated(bank: RealHome, pairs: str, words: tuple[str, ...], code: int) -> None:
    result = bank.run("evaluate", *words, *(("--pairs", pairs) if words else ()))
    assert result.exit_code == code
    assert "Traceback" not in result.stderr


def test_several_processes_only_train(
    bank: RealHome, pairs: str, trainings: list[TrainSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def second() -> Processes:
        return Processes(2, 1)

    for place in ("finetune.retrain.commands",):
        monkeypatch.setattr(f"{place}.join_processes", second)
    for words in (("retrain",), ("train", "--generate", "3")):
        result = bank.run(*words, "--pairs", pairs)
        assert (result.exit_code, "several processes" in result.stderr) == (3, True)
    result = bank.run("train", "--pairs", pairs, *SMALL)
    assert (result.exit_code, result.stdout, len(trainings)) == (0, "", 1)
    assert [file.suffix for file in (bank.home / "trained").rglob("*.json*")] == [".json"]


def test_an_adapter_folder_that_is_gone_is_trained_again(
    bank: RealHome, pairs: str, trainings: list[TrainSettings]
) -> None:
    assert bank.run("train", "--pairs", pairs, *SMALL).exit_code == 0
    (made,) = (bank.home / "trained").iterdir()
    shutil.rmtree(made)
    assert bank.run("train", "--pairs", pairs, *SMALL).exit_code == 0
    assert len(trainings) == 2


@pytest.mark.parametrize("name", HELP)
def test_options_are_described_as_the_settings_are(name: str) -> None:
    field = TrainSettings.model_fields[name]
    first = str(field.description).split(". ")[0].rstrip(".")
    assert HELP[name] == f"{first} [{field.default}]."
