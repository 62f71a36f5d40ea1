"""The loop: promoted or rejected with reasons, resumed at every step, and never half registered."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.evaluation.cases import BASE, CANDIDATE, EXAMPLES, LIVE, NO_CONTEXT
from finetune.files import ResultFolder
from finetune.pairs.store import Dataset
from finetune.pairs.values import Dropped, Evidence, Pair
from finetune.reasons import Reason
from finetune.registry.manifest import Base, Data, Description
from finetune.registry.registry import Aliases, Registry
from finetune.report.words import sentences_of
from finetune.retrain.retraining import Retraining
from finetune.retrain.values import STEPS, Outcome, Status, Step
from finetune.settings import RetrainSettings
from knowledge_base.errors import InputError, MismatchError, NotFoundError, StorageError
from tests.finetune.registry.folders import contents, peft_folder
from tests.finetune.retrain.conftest import Trainings
from tests.finetune.retrain.fake_pipeline import FakePipeline, changed, fee, some_pairs, some_tasks

Make = Callable[..., FakePipeline]

SETTINGS = RetrainSettings(
    min_answerable=2, min_unanswerable=2, resamples=200, test_share=0.4, calibration_share=0.3
)
SOURCE = Data(name="test.jsonl", digest="5" * 64, licence="our own", pairs=32)


class Work:
    """One retraining, which can be done again; `told` are the statuses so far."""

    def __init__(self, folder: Path, pipeline: FakePipeline, dataset: Dataset | None = None) -> None:
        self.folder = folder
        self.registry = Registry(folder / "adapters")
        self.pipeline = pipeline
        self.dataset = dataset or Dataset(some_pairs(), sources=(SOURCE,))
        self.run = folder / "run"
        self.told: list[Status] = []
        self.settings = SETTINGS

    def answers_before(self, name: str, description: Description | None = None) -> None:
        """Register the first version of an adapter and let it be the live one."""
        self.registry.register(name, peft_folder(self.folder / "made"), description)
        self.registry.promote(name, 1)
        self.pipeline = changed(self.pipeline, default=lambda: self.registry.find(f"{name}@1"))

    def retraining(self, on_progress: Callable[[Status], None]) -> Retraining:
        pipeline = changed(self.pipeline, registry=self.registry)
        return Retraining("bank", pipeline, self.settings, ResultFolder(self.run), on_progress)

    def __call__(self, stop_at: Step | None = None) -> Outcome:
        def tell(status: Status) -> None:
            self.told.append(status)
            if status.step == stop_at and status.done == status.total:
                raise KeyboardInterrupt

        return self.retraining(tell).run(self.dataset)


@pytest.fixture(autouse=True)
def _trainer(trainings: list[int]) -> None:
    """No test trains."""


def test_a_good_candidate_is_promoted(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    outcome = work()
    assert (outcome.name, outcome.version, outcome.promoted) == ("bank", 1, True)
    assert "better with statistical confidence" in sentences_of(outcome.reasons, "en")[0]
    assert work.registry.aliases("bank") == Aliases(live=1)
    made = work.registry.get("bank").manifest
    assert made is not None
    assert made.base is not None and made.base.digest == "d" * 64
    assert made.data == (SOURCE,)
    assert [point.held for point in made.losses] == [1.5, 0.75, 0.5]
    assert set(made.evaluation) == {BASE, EXAMPLES, CANDIDATE, NO_CONTEXT}
    assert made.reading is not None and set(made.reading.calibrations) == {"scored", "unscored"}
    assert made.notices == ("Terms apply.",)
    assert [step for step in STEPS if step in {status.step for status in work.told}] == list(STEPS[1:])


def test_a_bad_one_is_registered_as_rejected_and_what_answers_stays(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make(good=False))
    work.answers_before("bank")
    outcome = work()
    assert (outcome.version, outcome.promoted) == (2, False)
    assert "not better" in sentences_of(outcome.reasons, "en")[0]
    assert work.registry.aliases("bank").live == 1
    made = work.registry.get("bank", 2).manifest
    assert made is not None and made.verdict is not None
    assert (made.verdict.promoted, made.parent) == (False, 1)
    assert LIVE in made.evaluation


def test_a_candidate_continues_the_live_version_and_inherits_its_data(
    make: Make, tmp_path: Path, trainings: Trainings
) -> None:
    work = Work(tmp_path, make())
    before = Data(name="public", digest="6" * 64, licence="CC BY-SA 4.0")
    work.answers_before("reader", Description(data=(before,), notices=("Share alike.",)))
    work()
    made = work.registry.get("bank", 1).manifest
    assert made is not None
    assert (made.start, made.parent) == ("reader@1", None)
    assert made.data == (before, SOURCE)
    assert made.notices == ("Share alike.", "Terms apply.")
    assert trainings.starts == [work.registry.get("reader").folder]


def test_or_begins_on_the_base_if_that_is_wanted(make: Make, tmp_path: Path, trainings: Trainings) -> None:
    work = Work(tmp_path, make())
    work.answers_before("bank")
    work.settings = SETTINGS.model_copy(update={"start": "base"})
    work()
    made = work.registry.get("bank", 2).manifest
    assert made is not None
    assert (made.start, made.data) == (None, (SOURCE,))
    assert trainings.starts == [None]


def test_a_candidate_can_continue_a_rejected_version_and_is_measured_against_the_live_one(
    make: Make, tmp_path: Path, trainings: Trainings
) -> None:
    work = Work(tmp_path, make())
    work.answers_before("bank")
    work.registry.register("bank", peft_folder(tmp_path / "made"))
    work.settings = SETTINGS.model_copy(update={"start": "bank@2"})
    work()
    made = work.registry.get("bank", 3).manifest
    assert made is not None
    assert (made.start, made.parent) == ("bank@2", 1)
    assert trainings.starts == [work.registry.get("bank", 2).folder]


@pytest.mark.parametrize(
    ("start", "error", "told"),
    [
        ("bank@9", NotFoundError, "There is no adapter bank"),
        ("bank@best", InputError, "is no version of an adapter"),
    ],
)
def test_a_start_that_does_not_exist_is_reported_before_anything_is_trained(
    make: Make, tmp_path: Path, trainings: Trainings, start: str, error: type[Exception], told: str
) -> None:
    work = Work(tmp_path, make())
    work.settings = SETTINGS.model_copy(update={"start": start})
    with pytest.raises(error, match=told):
        work()
    assert not trainings


def test_a_start_of_another_base_is_refused(make: Make, tmp_path: Path, trainings: Trainings) -> None:
    work = Work(tmp_path, make())
    other = Description(base=Base(id="other", digest="7" * 64))
    work.registry.register("bank", peft_folder(tmp_path / "made"), other)
    work.settings = SETTINGS.model_copy(update={"start": "bank@1"})
    with pytest.raises(MismatchError, match="bank@1"):
        work()
    assert not trainings


def test_a_run_that_continues_keeps_its_start_whatever_is_promoted_meanwhile(
    make: Make, tmp_path: Path, trainings: Trainings
) -> None:
    work = Work(tmp_path, make())
    with pytest.raises(KeyboardInterrupt):
        work(stop_at="samples")
    work.answers_before("bank")
    work()
    assert trainings.starts == [None]


def test_the_report_is_kept_and_registered(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    outcome = work()
    page = Path(outcome.report).read_text(encoding="utf-8")
    assert "bank@1" in page
    assert "our own" in page
    entry = work.registry.get("bank")
    assert (entry.folder / "report.html").read_text(encoding="utf-8") == page


def test_the_report_is_in_the_language_of_the_reader(make: Make, tmp_path: Path) -> None:
    pipeline = changed(make(), language="zh")
    page = Path(Work(tmp_path, pipeline)().report).read_text(encoding="utf-8")
    assert "bank 的再训练" in page
    assert "它的回答在统计上更好：F1 为 1.000" in page


def test_every_dropped_pair_is_listed_with_its_reason(make: Make, tmp_path: Path) -> None:
    lost = Dropped("x", "?", "test.jsonl:3", Reason("unreadable", {"cause": "it has no answer"}))
    wrong = Pair(
        "w", "What is the moon made of?", ("cheese",), evidence=(Evidence("no.txt", ""),), origin="w"
    )
    work = Work(tmp_path, make(), Dataset((*some_pairs(), wrong), dropped=(lost,)))
    page = Path(work().report).read_text(encoding="utf-8")
    assert "test.jsonl:3" in page and "What is the moon made of?" in page
    lines = (work.run / "dropped.jsonl").read_text(encoding="utf-8").splitlines()
    reasons = {entry["id"]: entry["reason"] for entry in map(json.loads, lines)}
    assert reasons["x"] == "it has no answer"
    assert "not in the collection" in reasons["w"]


@pytest.mark.parametrize("step", STEPS[1:])
def test_it_continues_where_it_was_killed(
    make: Make, tmp_path: Path, trainings: list[int], step: Step
) -> None:
    work = Work(tmp_path, make())
    at = step if step not in ("check", "split", "judge") else None
    with pytest.raises(KeyboardInterrupt):
        work(at) if at else stopped_before_the_next(work, step)
    assert work.registry.names() == (["bank"] if step == "register" else [])
    outcome = work()
    assert (outcome.version, outcome.promoted, len(trainings)) == (1, True, 1)
    assert work.registry.versions("bank") == [1]
    kept = [line for line in (work.run / "answers.jsonl").read_text(encoding="utf-8").split("\n") if line]
    assert [work.pipeline.asked[name] for name in (BASE, EXAMPLES, NO_CONTEXT)] == [len(kept) / 4] * 3


def stopped_before_the_next(work: Work, step: Step) -> None:
    """Kill it as soon as it tells of a step that tells no end."""

    def tell(status: Status) -> None:
        if status.step == step:
            raise KeyboardInterrupt

    work.retraining(tell).run(work.dataset)


def test_what_is_done_is_not_done_again(make: Make, tmp_path: Path, trainings: list[int]) -> None:
    work = Work(tmp_path, make())
    assert work() == work()
    assert (len(trainings), work.registry.versions("bank")) == (1, [1])


def test_another_run_of_the_same_makes_another_version(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    first = work()
    work.run = tmp_path / "another"
    assert (first.version, work().version) == (1, 2)


class KilledRegistry(Registry):
    """Ends the process, so to speak, at its first promotion."""

    killed = False

    def promote(self, name: str, version: int) -> Aliases:
        if not self.killed:
            self.killed = True
            raise KeyboardInterrupt
        return super().promote(name, version)


def test_a_kill_between_registering_and_promoting_makes_no_second_version(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    work.registry = KilledRegistry(tmp_path / "adapters")
    with pytest.raises(KeyboardInterrupt):
        work()
    assert (work.registry.versions("bank"), work.registry.aliases("bank").live) == ([1], None)
    assert work().version == 1
    assert (work.registry.versions("bank"), work.registry.aliases("bank").live) == ([1], 1)


@pytest.mark.parametrize(
    "where",
    [
        "finetune.files.flush",
        "finetune.retrain.retraining.shutil.copy",
        "finetune.files.copy_file",
        "finetune.files.os.fsync",
    ],
)
def test_a_full_disk_registers_nothing_and_leaves_what_answers(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    work = Work(tmp_path, make())
    work.registry.register("bank", peft_folder(tmp_path / "made"))
    work.registry.promote("bank", 1)
    before = contents(tmp_path / "adapters")

    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(StorageError, match="space"):
            work()
    assert contents(tmp_path / "adapters") == before
    assert work().version == 2


def test_tasks_alone_are_learned_and_measured_without_retrieval(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make(), Dataset((), some_tasks(20)))
    outcome = work()
    assert outcome.promoted, outcome.reasons
    assert set(work.pipeline.asked) == {BASE, CANDIDATE}
    made = work.registry.get("bank").manifest
    assert made is not None and made.reading is not None
    assert made.reading.calibrations == {}
    assert "trained on tasks only" in Path(outcome.report).read_text(encoding="utf-8")


def test_a_candidate_that_does_the_tasks_badly_is_rejected(make: Make, tmp_path: Path) -> None:
    outcome = Work(tmp_path, make(good=False), Dataset((), some_tasks(20)))()
    assert not outcome.promoted


def test_tasks_beside_pairs_are_learned_too(make: Make, tmp_path: Path, trainings: list[int]) -> None:
    Work(tmp_path / "pairs", make())()
    Work(tmp_path / "both", make(), Dataset(some_pairs(), some_tasks(20)))()
    assert trainings[1] - trainings[0] == 12


def test_the_way_of_reading_is_chosen_on_questions_from_everywhere(make: Make, tmp_path: Path) -> None:
    """Pairs come file by file: the first ones are all of one kind."""
    work = Work(tmp_path, make())
    work.settings = SETTINGS.model_copy(update={"mode_questions": 3})
    work()
    calibration = json.loads((work.run / "splits.json").read_text(encoding="utf-8"))["calibration"]
    answerable = [pair["id"] for pair in calibration if pair["answers"]]
    lines = (work.run / "modes.jsonl").read_text(encoding="utf-8").splitlines()
    asked = list(dict.fromkeys(json.loads(line)["case"] for line in lines if line))
    assert len(asked) == 3
    assert set(asked) <= set(answerable)
    assert asked != answerable[:3]


def test_too_few_to_calibrate_refuse_as_the_base_and_are_judged(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make(), Dataset(some_pairs(4, unanswerable=0)))
    outcome = work()
    assert not outcome.promoted
    assert "Too few" in sentences_of(outcome.reasons, "en")[0]
    made = work.registry.get("bank", 1).manifest
    assert made is not None and made.reading is not None
    assert made.reading.calibrations == {}


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        (Dataset(()), "nothing to train on"),
        (
            Dataset(
                (),
                dropped=(Dropped("1", "", "a.csv:2", Reason("unreadable", {"cause": "it has no answer"})),),
            ),
            "a.csv:2: it has no answer",
        ),
        (Dataset(some_pairs(1, 0)), "too few pairs"),
        (Dataset((), some_tasks(1)), "1 tasks"),
        (
            Dataset((Pair("1", "What?", ("7",), evidence=(Evidence("no.txt", ""),), origin="a.csv:2"),)),
            "None of the 1 pairs can be used.*a.csv:2",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_said_at_once(
    make: Make, tmp_path: Path, trainings: list[int], dataset: Dataset, told: str
) -> None:
    work = Work(tmp_path, make(), dataset)
    with pytest.raises(InputError, match=told):
        work()
    assert (trainings, work.registry.names()) == ([], [])


def test_pairs_that_are_not_wanted_are_dropped_by_the_settings(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    work.settings = RetrainSettings(languages=("zh",))
    with pytest.raises(InputError, match="options exclude: English"):
        work()


def test_a_run_is_not_gone_on_with_on_another_base(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    with pytest.raises(KeyboardInterrupt):
        work("train")
    work.pipeline = changed(work.pipeline, base_digest="e" * 64)
    with pytest.raises(MismatchError, match="another base model"):
        work()


def test_nor_with_other_settings(make: Make, tmp_path: Path) -> None:
    work = Work(tmp_path, make())
    with pytest.raises(KeyboardInterrupt):
        work("train")
    work.settings = RetrainSettings(seed=1)
    with pytest.raises(MismatchError, match="other settings|another settings"):
        work()


def test_learning_alone_gives_a_folder_and_registers_nothing(
    make: Make, tmp_path: Path, trainings: list[int]
) -> None:
    work = Work(tmp_path, make(), Dataset(some_pairs()))
    folder = work.retraining(lambda _status: None).train(work.dataset)
    again = work.retraining(lambda _status: None).train(work.dataset)
    assert (folder / "adapter_model.safetensors").is_file()
    assert folder == again
    assert len(trainings) == 1
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Training of bank" in page and str(folder) in page


def test_the_answers_of_the_bank_are_those_of_its_documents() -> None:
    assert fee("platinum") == "100 yuan"
