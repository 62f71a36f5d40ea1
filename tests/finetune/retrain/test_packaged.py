"""The loop with the packaged models on parts of the sample bank: what it must reject, and another task."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings
from app.workspace import Workspace
from finetune.evaluation.cases import BASE, CANDIDATE, EXAMPLES, case_of_task
from finetune.pairs.formats import read_pairs, write_pairs
from finetune.pairs.values import Pair, Task
from finetune.pipeline import Contender
from finetune.reasons import Reason
from finetune.retrain import retraining
from finetune.retrain.commands import carry_out
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import Outcome, Status
from finetune.settings import Option, RetrainSettings
from finetune.split import Splits, ValidPairs
from knowledge_base.loaders import load
from retrieval.prompt import Message
from tests.finetune.bank import write_lines

pytestmark = [pytest.mark.models, pytest.mark.heavy]

SAMPLES = Path(__file__).parents[3] / "samples"
FOLDERS = ("fees", "cards", "deposits")
FEES = ("fee-schedule-2025.pdf", "fee-schedule-2026.pdf")
# Few samples are learned, so each has to count for more, and more of the rest may be forgotten.
COMMON: dict[str, Option] = {
    "checkpoint_seconds": 600, "dev_share": 0, "learning_rate": 5e-4, "kl_weight": 1, "forget_limit": 1.0
}  # fmt: skip


@pytest.fixture
def real(tmp_path: Path, models_cache: Path) -> Iterator[Workspace]:
    """A part of the sample bank in English, with the packaged models and no shipped adapter."""
    for folder in FOLDERS:
        shutil.copytree(SAMPLES / "bank" / "en" / folder, tmp_path / "bank" / "en" / folder)
    settings = Settings(home=tmp_path / "home", models_cache=models_cache, threads=1)
    with Workspace(settings) as workspace:
        workspace.ingest(tmp_path / "bank", "bank")
        yield workspace


def retrained(workspace: Workspace, file: Path, settings: dict[str, Option]) -> tuple[Outcome, Path]:
    """What a retraining on the pairs of a file came to, and its folder."""
    request = RunRequest("bank", "bank", (file,), settings=COMMON | settings)
    info = workspace.runs.create(request)
    with workspace.runs.working(info.id) as folder:
        outcome = carry_out(workspace.pipeline("bank"), request, folder, silent)
        return outcome, folder.path


def silent(_status: Status) -> None:
    """Nobody watches."""


def about_these_folders() -> list[Pair]:
    """The sample pairs whose evidence lies in FOLDERS, and some that no document answers."""
    pairs = read_pairs(SAMPLES / "pairs" / "en.jsonl").pairs
    places = tuple(f"en/{folder}/" for folder in FOLDERS)
    asked = [p for p in pairs if p.evidence and all(e.document.startswith(places) for e in p.evidence)]
    return asked + [pair for pair in pairs if not pair.answerable][:12]


def shuffled(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Each answerable pair with the answers of another one."""
    answerable = [pair for pair in pairs if pair.answerable]
    others = answerable[1:] + answerable[:1]
    given = {pair.id: other for pair, other in zip(answerable, others, strict=True)}
    return tuple(
        replace(pair, answers=given[pair.id].answers, sentence="") if pair.id in given else pair
        for pair in pairs
    )


def test_a_candidate_that_learned_shuffled_answers_is_rejected(
    real: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = retraining.splits_of

    def split(valid: ValidPairs, settings: RetrainSettings) -> Splits:
        # Behind the checks, which would drop every pair whose answer is not in its evidence.
        splits = right(valid, settings)
        return replace(splits, train=shuffled(splits.train))

    monkeypatch.setattr(retraining, "splits_of", split)
    file = tmp_path / "pairs.jsonl"
    write_pairs([replace(pair, split="") for pair in about_these_folders()], file)
    outcome, _ = retrained(
        real,
        file,
        {
            "test_share": 0.4, "calibration_share": 0.15, "epochs": 2, "distractors": 1, "sentences": 0,
            "together": 0,
            "calibration_questions": 6, "mode_questions": 0, "test_questions": 18, "min_answerable": 8,
            "min_unanswerable": 3,
        },
    )  # fmt: skip
    made = real.registry.get("bank", outcome.version).manifest
    assert made is not None
    f1 = {name: told["f1"] for name, told in made.evaluation.items() if isinstance(told, dict)}
    assert not outcome.promoted
    assert real.registry.aliases("bank").live is None
    kinds = {reason.kind for reason in outcome.reasons if isinstance(reason, Reason)}
    assert "not_better" in kinds
    assert f1[CANDIDATE] < max(f1[BASE], f1[EXAMPLES])


def fee_rows() -> list[str]:
    """The rows of the fee tables as the loader writes them: "Card service, 2026: …; Fee this year: …"."""
    files = [SAMPLES / "bank" / "en" / "fees" / name for name in FEES]
    blocks = [block.text for file in files for block in load(file).blocks]
    return [text for text in blocks if "; Fee " in text]


def fields_of(row: str) -> dict[str, object]:
    """What the row says."""
    first, _, last = row.partition("; ")
    head, _, service = first.partition(": ")
    group, _, year = head.rpartition(", ")
    return {"service": service, "fee": last.partition(": ")[2], "group": group, "year": int(year)}


def is_right(reply: str, row: str) -> bool:
    try:
        return bool(json.loads(reply) == fields_of(row))
    except ValueError:
        return False


def test_an_adapter_learns_to_extract_the_fee_table_and_is_used_without_retrieval(
    real: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The base goes on and on; no right reply is longer.
    monkeypatch.setattr("finetune.pipeline._TASK_TOKENS", 64)
    rows = fee_rows()
    services = sorted({str(fields_of(row)["service"]) for row in rows})
    heldout = set(random.Random(0).sample(services, 6))
    records = [
        {
            "messages": [
                {"role": "user", "content": f"Write the fields of this row as JSON.\n{row}"},
                {"role": "assistant", "content": json.dumps(fields_of(row))},
            ],
            "split": "heldout" if fields_of(row)["service"] in heldout else "train",
            "id": f"row-{number}",
        }
        for number, row in enumerate(rows)
    ]
    file = write_lines(tmp_path / "rows.jsonl", records)
    outcome, folder = retrained(real, file, {"epochs": 3, "samples_per_step": 6, "min_answerable": 8})
    right = {name: rights(folder, name, rows) for name in (BASE, CANDIDATE)}
    assert right[CANDIDATE] > max(right[BASE], 6)
    asked = next(record["messages"][0]["content"] for record in records if record["split"] == "heldout")
    task = Task("asked", (Message("user", asked),), "")
    served = Contender("bank", f"bank@{outcome.version}")
    answer = real.pipeline("bank").ask(served)(case_of_task(task))
    assert json.loads(answer.text).keys() == fields_of(rows[0]).keys()


def rights(folder: Path, contender: str, rows: Sequence[str]) -> int:
    """How many of the held-out rows came back as right JSON from a contender, as the loop measured it."""
    lines = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    told = [reply for reply in map(json.loads, filter(None, lines)) if reply["contender"] == contender]
    return sum(is_right(reply["answer"]["text"], rows[int(reply["case"].split("-")[1])]) for reply in told)
