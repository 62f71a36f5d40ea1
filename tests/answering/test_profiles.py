"""Which way of reading is taken for a question."""

from dataclasses import replace
from typing import Any

import pytest

from answering.answer import Answerer, Reading
from answering.selection import Models
from answering.sufficiency import Calibration
from answering.values import Finished, Question
from retrieval.retriever import Retriever
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, a_document

FEE = "The gold card costs 200 yuan a year."
SURE = Calibration({}, 0.0, 0.0)
READING = Reading(passages=2, passage_tokens=60, max_new_tokens=16, scored=SURE, unscored=SURE)
QUESTION = Question("What does the gold card cost a year?", "bank", style="words")


@pytest.mark.parametrize(
    ("setting", "asked", "adapter", "chats", "free"),
    [
        ("auto", None, None, True, True),
        ("auto", None, "base", True, True),
        ("auto", None, "bank", True, False),
        ("auto", None, None, False, False),
        ("span", None, None, True, False),
        ("free", None, None, False, True),
        ("free", None, "bank", False, True),
        ("auto", "span", None, True, False),
        ("span", "free", "bank", False, True),
        ("span", "auto", None, True, True),
    ],
)
def test_the_question_decides_then_the_setting_then_what_the_model_is(
    setting: Any, asked: Any, adapter: str | None, chats: bool, free: bool
) -> None:
    index = FakeIndex()
    index.add([a_document("fees.txt", [FEE])])
    generator = FakeGenerator(reply=lambda _: FEE, adapters=["bank"], chats=chats)
    embedder = FakeEmbedder()
    reading = replace(READING, profile=setting)
    answerer = Answerer(generator, Models(lambda texts: embedder.embed(texts, "passage")), lambda _: reading)
    *_, last = answerer.ask(replace(QUESTION, reading=asked, adapter=adapter), Retriever(index))
    assert isinstance(last, Finished)
    assert last.answer.citations
    (request,) = generator.requests
    assert ("Passages:" in request.messages[-1].content, request.stop == ()) == (free, free)
    assert request.adapter == (None if adapter == "base" else adapter)
