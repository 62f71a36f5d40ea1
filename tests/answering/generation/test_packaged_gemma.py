"""The real Gemma: long prompts, both languages, against plain transformers."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from answering.generation.gemma import GEMMA
from answering.generation.in_process import InProcessGenerator
from answering.generation.kv_cache import read_prompt, read_token
from answering.generation.protocol import never
from retrieval.models import unpack
from retrieval.prompt import Message
from tests.contracts.generator_contract import asked

pytestmark = pytest.mark.models

ENGLISH = " ".join(f"Card {n} of the bank costs {17 * n} yuan a year, replacement {n}." for n in range(1, 60))
CHINESE = "".join(f"第{n}号卡每年收费{17 * n}元，补卡{n}元。" for n in range(1, 75))
EXAMPLES = (
    (f"{ENGLISH}\n\nQuestion: How much does card 12 cost a year?\nAnswer:", " 204 yuan a year.\n\nQuestion"),
    (f"{CHINESE}\n\n问题：第12号卡每年收费多少？\n回答：", "第12号卡每年收费204元。"),
)


@pytest.fixture(scope="module")
def folder(models_cache: Path) -> Path:
    return unpack(GEMMA, models_cache)


@pytest.fixture(scope="module")
def generator(folder: Path) -> InProcessGenerator:
    return InProcessGenerator(folder)


@pytest.fixture(scope="module")
def plain(folder: Path) -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.heavy
@pytest.mark.parametrize(("text", "answer"), EXAMPLES, ids=["en", "zh"])
@torch.inference_mode()
def test_beyond_the_window_the_logits_are_those_of_plain_transformers(
    generator: InProcessGenerator, plain: AutoModelForCausalLM, text: str, answer: str
) -> None:
    model = generator.engine().model
    ids = model.encoder.prompt([Message("user", text)])
    assert len(ids) > 1000
    follow = model.encoder.prompt([Message("user", answer)])[1:]
    expected = plain(torch.tensor([[*ids, *follow]]), logits_to_keep=len(follow) + 1).logits[0]
    position = read_prompt(model, generator.engine().prefixes, "", ids, never)
    assert position is not None
    for token, right in zip((*follow, None), expected, strict=True):
        # Another token is best only where the two are as good as equal.
        assert float(right.max() - right[int(position.logits.argmax())]) < 0.3
        assert float((position.logits - right)[right.topk(20).indices].abs().mean()) < 0.6
        if token is not None:
            read_token(model, position, token)


def test_chinese_arrives_in_whole_characters(generator: InProcessGenerator) -> None:
    pieces = list(generator.stream(asked(EXAMPLES[1][0], tokens=24)))
    assert len(pieces) > 4
    assert not any("\ufffd" in piece for piece in pieces)
