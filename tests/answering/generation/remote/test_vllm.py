"""A real vLLM: base and adapters by name, tokens and doubt as in this process.

scripts/vllm.sh setup && TEST_VLLM_URL=$(scripts/vllm.sh start FOLDER_OF_THE_PACKAGED_GEMMA) make heavy
"""

import os
from pathlib import Path

import pytest

from answering.generation.gemma import GEMMA
from answering.generation.in_process import InProcessGenerator
from answering.generation.protocol import Request, Scorer
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import RemoteGenerator, open_remote
from app.adapters import SHIPPED
from finetune.registry.registry import Registry
from knowledge_base.errors import NotFoundError
from retrieval.models import unpack
from retrieval.prompt import EXAMPLES, refusal, render
from tests.answering.generation.tiny import save_adapter
from tests.contracts.generator_contract import CHINESE, ENGLISH, asked, written

URL = os.environ.get("TEST_VLLM_URL", "")
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not URL, reason="not in CI: no vLLM; see scripts/vllm.sh, and set TEST_VLLM_URL"),
]


@pytest.fixture(scope="module")
def folder(models_cache: Path) -> Path:
    return unpack(GEMMA, models_cache)


@pytest.fixture(scope="module")
def remote() -> RemoteGenerator:
    return open_remote(Endpoint(URL, "base", read_seconds=300))


@pytest.fixture(scope="module")
def local(folder: Path) -> InProcessGenerator:
    return InProcessGenerator(folder)


def test_tokens_are_counted_as_here(remote: RemoteGenerator, local: InProcessGenerator) -> None:
    texts = [ENGLISH, CHINESE, "", "fee"]
    assert remote.count_tokens(texts) == local.count_tokens(texts)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The platinum card costs 680 yuan a year.", "What does the card cost?"),
        ("白金卡年费为680元。", "年费多少？"),
    ],
)
def test_it_reads_the_same_prompt_with_the_same_refusal_log_probability(
    remote: RemoteGenerator, local: InProcessGenerator, text: str, question: str
) -> None:
    language = "zh" if question.endswith("？") else "en"
    messages = render(question, [text], examples=EXAMPLES[language])
    request = Request(messages, max_new_tokens=6, stop=("\n",))
    assert isinstance(remote, Scorer)
    (theirs,) = remote.logprobs([request], refusal(language))
    (ours,) = local.logprobs([request], refusal(language))
    assert ours - 0.5 < theirs < max(ours + 0.5, -5.0)
    assert "680" in written(remote, request)


def test_it_reports_how_much_it_read_and_wrote(remote: RemoteGenerator, local: InProcessGenerator) -> None:
    def taken(generator: RemoteGenerator | InProcessGenerator) -> tuple[int, int]:
        before = generator.tokens.totals()
        written(generator, asked(tokens=3))
        after = generator.tokens.totals()
        return after["prompt"] - before["prompt"], after["completion"] - before["completion"]

    assert taken(remote) == taken(local)


def test_versions_of_an_adapter_are_loaded_by_name(
    remote: RemoteGenerator, folder: Path, tmp_path: Path
) -> None:
    base = written(remote, asked())
    answers = []
    for number in (1, 2):
        name = f"{tmp_path.name}@{number}"
        remote.add_adapter(name, save_adapter(tmp_path / str(number), folder, seed=number), str(number))
        assert name in remote.models()
        answers.append(written(remote, asked(adapter=name)))
    assert len({base, *answers}) == 3
    assert written(remote, asked()) == base
    with pytest.raises(NotFoundError):
        written(remote, asked(adapter="no-such"))


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The platinum card costs 680 yuan a year.", "What does the platinum card cost a year?"),
        ("白金卡年费为680元。", "白金卡的年费是多少？"),
    ],
)
def test_the_shipped_adapter_answers_as_here(  # noqa: PLR0913, PLR0917
    remote: RemoteGenerator, local: InProcessGenerator, tmp_path: Path, text: str, question: str
) -> None:
    shipped = Registry(tmp_path, SHIPPED).get("reader")
    for generator in (remote, local):
        generator.add_adapter(shipped.reference, shipped.folder, "shipped")
    answers = render(question, [text], "words")
    refused = render("Who is the bishop of Rome?", [text], "words")
    for messages in (answers, refused):
        request = Request(messages, adapter=shipped.reference, max_new_tokens=12, stop=("\n",))
        assert written(remote, request) == written(local, request)
    assert "680" in written(remote, Request(answers, shipped.reference, max_new_tokens=12, stop=("\n",)))
