"""Clients as they are, but for address and key: each row of the table of clients in docs/api.md."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field, SecretStr

from tests.fake_workspace import FakeWorkspace

QUESTION = "What does the platinum card cost?"
ANSWER = "The platinum card costs 680 yuan a year."
ANY_KEY = "any-key"
OPENAI_FOR_NODE = "openai@7.59.0"
HERE = Path(__file__).parent


class Fee(BaseModel):
    """What a caller wants to know."""

    annual_fee: float = Field(description="What it costs a year")
    currency: str
    source: str


@pytest.fixture
def base(address: str) -> str:
    """Where OpenAI's protocol begins."""
    return f"{address}v1"


def test_openai_in_python_parses_an_object(openai: OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": QUESTION}]
    message = (
        openai.chat.completions.parse(model="base", messages=asked, response_format=Fee).choices[0].message
    )
    assert message.parsed == Fee(annual_fee=680, currency="yuan", source="fees.txt")
    reply = openai.responses.parse(model="base", input=QUESTION, text_format=Fee)
    assert reply.output_parsed == message.parsed
    with openai.chat.completions.stream(model="base", messages=asked, response_format=Fee) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == message.parsed


def test_openai_in_python_tells_an_object_that_cannot_be_filled(openai: OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "zebra"}]
    message = (
        openai.chat.completions.parse(model="base", messages=asked, response_format=Fee).choices[0].message
    )
    assert message.parsed is None
    assert message.refusal is not None
    assert "do not say" in message.refusal
    reply = openai.responses.create(
        model="base",
        input="zebra",
        text={"format": {"type": "json_schema", "name": "fee", "schema": Fee.model_json_schema()}},
    )
    (item,) = reply.output
    assert item.type == "message"
    assert item.content[0].type == "refusal"


def test_openai_in_python_asks_asynchronously(base: str) -> None:
    async def ask() -> tuple[str, str]:
        async with AsyncOpenAI(base_url=base, api_key=ANY_KEY) as client:
            asked: list[Any] = [{"role": "user", "content": QUESTION}]
            whole = await client.chat.completions.create(model="base", messages=asked)
            pieces = await client.chat.completions.create(model="base", messages=asked, stream=True)
            text = [chunk.choices[0].delta.content or "" async for chunk in pieces]
            return whole.choices[0].message.content or "", "".join(text)

    with ThreadPoolExecutor(1) as threads:  # the tests of the browser leave a loop running in this one
        assert threads.submit(lambda: asyncio.run(ask())).result() == (ANSWER, ANSWER)


def test_langchain_answers_in_a_chain(base: str) -> None:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{question}")])
    for more in ({"seed": 1, "stop": ["zebra"]}, {"use_responses_api": True}):
        model = ChatOpenAI(base_url=base, api_key=SecretStr(ANY_KEY), model="base", max_retries=0, **more)
        chain = prompt | model | StrOutputParser()
        assert chain.invoke({"question": QUESTION}) == ANSWER
        assert "".join(chain.stream({"question": QUESTION})) == ANSWER
        filled = prompt | model.with_structured_output(Fee)
        assert filled.invoke({"question": QUESTION}) == Fee(
            annual_fee=680, currency="yuan", source="fees.txt"
        )
    embedder = OpenAIEmbeddings(
        base_url=base, api_key=SecretStr(ANY_KEY), model="fake", check_embedding_ctx_length=False
    )
    assert len(embedder.embed_query(QUESTION)) == FakeWorkspace().embedder().dimension


def test_litellm_completes_streams_embeds_and_reranks(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it fetches prices from the network
    import litellm

    asked = [{"role": "user", "content": QUESTION}]
    there = {"api_base": base, "api_key": ANY_KEY}
    whole: Any = litellm.completion("openai/base", asked, response_format=Fee, **there)
    assert Fee.model_validate_json(whole.choices[0].message.content).annual_fee == 680
    pieces: Any = litellm.completion("openai/base", asked, stream=True, **there)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in pieces) == ANSWER
    vectors: Any = litellm.embedding("openai/fake", [QUESTION], encoding_format="float", **there)
    assert len(vectors.data[0]["embedding"]) == FakeWorkspace().embedder().dimension
    ranked: Any = litellm.rerank("jina_ai/fake", QUESTION, ["Open from nine.", ANSWER], **there)
    assert ranked.results[0]["index"] == 1


def test_llm_answers_on_the_command_line(base: str, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: documents\n  model_name: base\n  api_base: {base}\n", encoding="utf-8"
    )
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": ANY_KEY}
    command = [sys.executable, "-m", "llm", "-m", "documents", QUESTION]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{ANSWER}\n", done.stderr


@pytest.mark.heavy
def test_openai_for_node_answers_streams_and_parses(base: str, tmp_path: Path) -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed here")
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), OPENAI_FOR_NODE]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install {OPENAI_FOR_NODE} here: {done.stderr[-500:]}")
    program = shutil.copy(HERE / "client.mjs", tmp_path)
    done = subprocess.run(["node", program, base], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["whole"] == told["streamed"] == told["response"] == ANSWER
    assert told["citation"].endswith("/documents/fees.txt")
    assert told["parsed"] == {"fee": 680}
    assert told["dimensions"] == FakeWorkspace().embedder().dimension
    assert told["refused"] == [422, "n"]
