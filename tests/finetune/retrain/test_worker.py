"""A whole retraining over a workspace: resumed after kills, with nothing half done to be seen."""

import itertools
import json
import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest
import torch

from answering.values import Question
from app.settings import Settings, load_settings
from app.workspace import Workspace
from finetune.evaluation.cases import BASE, CANDIDATE, EXAMPLES, LIVE, NO_CONTEXT
from finetune.files import ResultFolder
from finetune.registry.entry import verify
from finetune.registry.registry import Registry
from finetune.retrain.commands import carry_out, gather
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import STEPS, Status
from knowledge_base.errors import InputError, ModelError
from tests.answering.generation.tiny import save_adapter
from tests.fakes import FakeEmbedder
from tests.finetune.bank import SMALL, THINGS, fee, write_lines

KILLS = 20
READY, DONE = "ready", "done"


def silent(_status: Status) -> None:
    """Nobody watches."""


def test_from_pairs_to_a_verdict(trainable: Workspace, pairs: Path) -> None:
    told: list[Status] = []
    request = RunRequest("bank", "bank", (pairs,), settings=SMALL)
    info = trainable.runs.create(request)
    with trainable.runs.working(info.id) as folder:
        outcome = carry_out(trainable.pipeline("bank"), request, folder, told.append)
    assert (outcome.name, outcome.version, outcome.promoted) == ("bank", 1, False)
    assert list(dict.fromkeys(status.step for status in told)) == list(STEPS)
    done = trainable.runs.get(info.id)
    assert (done.state, done.outcome) == ("done", outcome)
    assert done.report is not None and "bank@1" in done.report.read_text(encoding="utf-8")
    assert [point.step for point in trainable.runs.curve(info.id)] == [1]
    made = trainable.registry.get("bank", 1).manifest
    assert made is not None and set(made.evaluation) == {BASE, EXAMPLES, CANDIDATE, NO_CONTEXT}
    assert [data.name for data in made.data] == ["fees.jsonl"]
    assert trainable.registry.aliases("bank").live is None
    answer = trainable.answer(Question("What does the gold card cost a year?", "bank", "bank@1"))
    assert answer.adapter == "bank@1"


def test_what_is_gathered(workspace: Workspace, pairs: Path, tmp_path: Path) -> None:
    workspace.pairs.import_file("bank", pairs, "ours")
    answer = workspace.answer(Question("What does the lake card cost a year?", "bank"))
    workspace.feedback(answer.id, "down", correction=fee("lake"))
    extra = write_lines(tmp_path / "extra.csv", ["question,answer", "Which card is for lakes?,lake"])
    dataset = gather(workspace.pipeline("bank"), RunRequest("bank", "bank", (extra,)), silent)
    assert [data.name for data in dataset.sources] == ["fees.jsonl", "extra.csv", "feedback"]
    assert len(dataset.pairs) == len(THINGS) + 1 + 1 + 1
    without = RunRequest("bank", "bank", (extra,), stored=False, feedback=False)
    assert [data.name for data in gather(workspace.pipeline("bank"), without, silent).sources] == [
        "extra.csv"
    ]
    with pytest.raises(InputError, match="nothing to train on"):
        gather(workspace.pipeline("bank"), RunRequest("bank", "bank", stored=False, feedback=False), silent)


def test_a_thumb_down_alone_is_reported_as_dropped(workspace: Workspace) -> None:
    answer = workspace.answer(Question("What does the lake card cost a year?", "bank"))
    workspace.feedback(answer.id, "down")
    with pytest.raises(InputError, match="thumbs-down without"):
        gather(workspace.pipeline("bank"), RunRequest("bank", "bank"), silent)


def test_a_generator_that_loads_no_adapters_is_refused_before_anything(
    workspace: Workspace, pairs: Path, tmp_path: Path
) -> None:
    request = RunRequest("bank", "bank", (pairs,), settings=SMALL)
    with pytest.raises(ModelError, match="does not load adapters"):
        carry_out(workspace.pipeline("bank"), request, ResultFolder(tmp_path / "run"), silent)


@pytest.mark.parametrize(
    ("lines", "changes", "told"),
    [
        (['{"question": "What', ""], {}, "None of the 1 records.*line 1.*Line 1 is not JSON"),
        ([{"question": "What does the gold card cost?", "answer": "107 yuan"}], {}, "too few pairs"),
        ([{"question": "Who?", "answer": "x", "document": "no.txt"}], {}, "not in the collection: no.txt"),
        (None, {"rank": 400}, "rank 400 is larger than the layer"),
        (None, {"targets": "c_attn"}, "no linear layers named c_attn"),
    ],
)
def test_bad_input_has_one_message_and_registers_nothing(
    trainable: Workspace,
    pairs: Path,
    lines: list[object] | None,
    changes: dict[str, object],
    told: str,
) -> None:
    if lines is not None:
        write_lines(pairs, lines)  # type: ignore[arg-type]
    request = RunRequest("bank", "bank", (pairs,), settings={**SMALL, **changes})  # type: ignore[dict-item]
    info = trainable.runs.create(request)
    with pytest.raises(InputError, match=told), trainable.runs.working(info.id) as folder:
        carry_out(trainable.pipeline("bank"), request, folder, silent)
    assert trainable.runs.get(info.id).state == "failed"
    assert trainable.registry.names() == []


def test_a_base_without_weights_is_refused(settings: Settings, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    empty = load_settings({"home": settings.home, "generator": str(tmp_path / "model")})
    request = RunRequest("bank", "bank", (pairs,))
    with (
        Workspace(empty, FakeEmbedder()) as workspace,
        pytest.raises(ModelError, match="no weights"),
    ):
        carry_out(workspace.pipeline("bank"), request, ResultFolder(tmp_path / "run"), silent)


# --- killed


def work(home: str, model: str, run_id: str, reports: Connection) -> None:
    """What the killed process does: a retraining, as the worker does it, that tells how far it is.

    What takes seconds and is tested elsewhere, the fresh process that verifies and the long general text,
    is left out.
    """
    import finetune.evaluation.forgetting
    import finetune.training.train

    torch.set_num_threads(1)
    finetune.training.train.verify = lambda _probe, _folder: None
    finetune.training.train.general_texts = lambda _use, _language: ["It snows."]
    finetune.evaluation.forgetting.general_texts = lambda _use, _language: ["It rains."]
    settings = load_settings({"home": home, "generator": model, "max_new_tokens": 4, "read_k": 2})
    with Workspace(settings, FakeEmbedder()) as workspace, workspace.runs.working(run_id) as folder:
        reports.send(READY)
        request = workspace.runs.get(run_id).request
        carry_out(workspace.pipeline("bank"), request, folder, lambda status: reports.send(status.step))
    reports.send(DONE)


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Processes that have imported everything already, so that a kill hits the work and not the start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "sklearn.linear_model"])
    return context


def messages(reports: Connection) -> Iterator[object]:
    while True:
        try:
            yield reports.recv()
        except EOFError:
            return


def begin(
    context: ForkServerContext, settings: Settings, run_id: str
) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = context.Pipe(duplex=False)
    words = (str(settings.home), settings.generator, run_id, theirs)
    process = context.Process(target=work, args=words)
    process.start()
    theirs.close()
    assert ours.recv() == READY
    return process, ours


@pytest.mark.heavy
def test_twenty_kills_leave_nothing_half_done(
    context: ForkServerContext, settings: Settings, documents: Path, pairs: Path, tmp_path: Path
) -> None:
    chance = random.Random(20261125)
    registry = Registry(settings.home / "adapters")
    registry.register("bank", save_adapter(tmp_path / "made", Path(settings.generator)))
    registry.promote("bank", 1)
    live = (settings.home / "adapters" / "bank" / "aliases.json").read_bytes()
    with Workspace(settings, FakeEmbedder()) as workspace:
        workspace.ingest(documents, "bank")
        request = RunRequest("bank", "bank", (pairs,), settings=SMALL)
        info = workspace.runs.create(request)
        finished = 0
        for _ in range(KILLS):
            process, reports = begin(context, settings, info.id)
            heard = list(itertools.islice(messages(reports), chance.randrange(12)))
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            process.join()
            heard += messages(reports)
            seen = workspace.runs.get(info.id)
            assert seen.state in ("waiting", "stopped", "done")
            for number in registry.versions("bank"):
                verify(registry.get("bank", number))
            assert (settings.home / "adapters" / "bank" / "aliases.json").read_bytes() == live
            if seen.state == "done":
                finished += 1
                assert seen.outcome is not None and seen.outcome.version == finished + 1
                info = workspace.runs.create(request)
        process, reports = begin(context, settings, info.id)
        assert list(messages(reports))[-1] == DONE
        process.join()
        outcome = workspace.runs.get(info.id).outcome
        assert outcome is not None and not outcome.promoted
        assert registry.versions("bank") == list(range(1, finished + 3))
        made = registry.get("bank", outcome.version).manifest
        assert made is not None and LIVE in made.evaluation
        dataset = json.loads((workspace.runs.folder / info.id / "dataset.json").read_text(encoding="utf-8"))
        assert len(dataset["pairs"]) == len(THINGS) + 1
