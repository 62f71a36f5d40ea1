"""The loop with the packaged models: an adapter that extracts the fields of the sample bank's fee tables."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.retraining.options import Option
from app.retraining.surroundings import WorkspaceSurroundings
from app.retraining.values import RunRequest
from app.retraining.worker import carry_out
from app.settings import Settings
from app.workspace import Workspace
from finetune.evaluation.values import BASE, CANDIDATE
from finetune.pairs.values import Task
from finetune.retrain.values import Contender, Outcome, Status
from knowledge_base.loaders import load
from retrieval.prompt import Message
from tests.app.retraining.bank import write_lines

pytestmark = [pytest.mark.models, pytest.mark.heavy]

SAMPLES = Path(__file__).parents[3] / "samples"
FEES = ("fee-schedule-2025.pdf", "fee-schedule-2026.pdf")
COMMON: dict[str, Option] = {"checkpoint_seconds": 600, "dev_share": 0}


@pytest.fixture
def real(tmp_path: Path, models_cache: Path) -> Iterator[Workspace]:
    """The fee tables of the sample bank, with the packaged models and no shipped adapter."""
    shutil.copytree(SAMPLES / "bank" / "en" / "fees", tmp_path / "bank" / "en" / "fees")
    settings = Settings(home=tmp_path / "home", models_cache=models_cache, threads=1)
    with Workspace(settings) as workspace:
        workspace.ingest(tmp_path / "bank", "bank")
        yield workspace


def retrained(workspace: Workspace, file: Path, settings: dict[str, Option]) -> tuple[Outcome, Path]:
    """What a retraining on the pairs of a file came to, and its folder."""
    request = RunRequest("bank", "bank", (file,), settings=COMMON | settings)
    info = workspace.runs.create(request)
    with workspace.runs.working(info.id) as folder:
        return carry_out(workspace, request, folder, silent), folder.path


def silent(_status: Status) -> None:
    """Nobody watches."""


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
    monkeypatch.setattr("app.retraining.surroundings._TASK_TOKENS", 64)
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
    reply = WorkspaceSurroundings(real, "bank").finish(served, task)
    assert json.loads(reply).keys() == fields_of(rows[0]).keys()


def rights(folder: Path, contender: str, rows: Sequence[str]) -> int:
    """How many of the held-out rows came back as right JSON from a contender, as the loop measured it."""
    lines = (folder / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    told = [reply for reply in map(json.loads, filter(None, lines)) if reply["contender"] == contender]
    return sum(is_right(reply["reply"]["text"], rows[int(reply["case"].split("-")[1])]) for reply in told)
