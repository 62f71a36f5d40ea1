"""Samples: contexts of our own retriever, rivals refused, the right passage at its true place."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from finetune.corpus import Corpus
from finetune.pairs.values import Evidence, Pair, Task
from finetune.report.words import sentence_of
from finetune.samples import Made, is_gold, samples_of, task_samples
from finetune.settings import SampleSettings
from finetune.training.values import Sample
from knowledge_base.values import Document
from retrieval.prompt import Message, plain_text, refusal, render
from retrieval.retriever import Retriever, SearchSettings
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, a_document

DOCUMENTS = (
    a_document("fees-2026.txt", ["The platinum card costs 680 yuan.", "The gold card costs 200 yuan."]),
    a_document("fees-2025.txt", ["The platinum card costs 580 yuan.", "The gold card costs 180 yuan."]),
    a_document("hours.txt", ["The platinum lounge opens at nine.", "The card desk opens at ten."]),
)
PLATINUM = Pair(
    "platinum",
    "What does the platinum card cost?",
    ("680 yuan", "680"),
    "The platinum card costs 680 yuan a year.",
    (Evidence("fees-2026.txt", "The platinum card costs 680 yuan."),),
    origin="test:1",
)
UNKNOWN = Pair("unknown", "Who designed the platinum card?", ())
SETTINGS = SampleSettings(distractors=2, together=0.0, compressed=0.0)


class OneCollection:
    """`Collections` with one collection."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.index.add(DOCUMENTS)

    def reading(self, _name: str) -> AbstractContextManager[FakeIndex]:
        return nullcontext(self.index)


def a_corpus(k: int = 4, *more: Document) -> Corpus:
    """The documents over a fake index, in which `k` passages are read."""
    collections: Any = OneCollection()
    collections.index.add(more)
    retriever = Retriever(collections.index, SearchSettings(k=k))
    return Corpus(
        "bank",
        collections,
        lambda: retriever,
        lambda: partial(FakeEmbedder().embed, kind="passage"),
        k,
    )


def made(pairs: Sequence[Pair], settings: SampleSettings = SETTINGS, k: int = 4) -> Made:
    return samples_of(pairs, a_corpus(k), FakeGenerator().count_tokens, settings, lambda _d, _t: None)


def kinds(samples: Sequence[Sample]) -> Counter[str]:
    return Counter(sample.kind for sample in samples)


def test_the_right_passage_is_answered_in_both_styles_and_its_rivals_are_refused() -> None:
    samples = made([PLATINUM]).samples
    gold = DOCUMENTS[0].passages[0].indexed_text
    assert [(s.kind, s.reply) for s in samples[:2]] == [
        ("answer", "680 yuan"),
        ("answer", "The platinum card costs 680 yuan a year."),
    ]
    assert samples[0].messages == render(PLATINUM.question, [gold], "words")
    assert samples[1].messages == render(PLATINUM.question, [gold], "sentence")
    assert [s.reply for s in samples[2:]] == [refusal("en")] * 2
    assert all(gold not in plain_text(s.messages) for s in samples[2:])


LONG = a_document(
    "long.txt",
    ["The lounge opens at nine. The platinum card costs 680 yuan. It is grey. Desks are round. Tea is free."],
)


def narrowed(pair: Pair) -> list[str]:
    corpus = a_corpus(4, LONG)
    always = SETTINGS.model_copy(update={"compressed": 1.0})
    found = samples_of([pair], corpus, FakeGenerator().count_tokens, always, lambda _d, _t: None)
    return [plain_text(sample.messages) for sample in found.samples if sample.kind == "answer"]


def test_a_focused_sample_shows_the_nearest_sentences_only() -> None:
    pair = replace(PLATINUM, evidence=(Evidence("long.txt", "The platinum card costs 680 yuan."),))
    assert narrowed(pair)
    assert all("680 yuan" in text and "Tea is free" not in text for text in narrowed(pair))


def test_a_passage_whose_nearest_sentences_miss_the_answer_is_shown_whole() -> None:
    pair = replace(PLATINUM, answers=("grey",), evidence=(Evidence("long.txt", "It is grey."),))
    assert narrowed(pair)
    assert all("It is grey." in text and "Tea is free" in text for text in narrowed(pair))


def test_half_a_distractor_is_one_for_about_every_second_question() -> None:
    pairs = [replace(PLATINUM, id=f"p{number}") for number in range(40)]
    refused = [
        kinds(made([pair], SETTINGS.model_copy(update={"distractors": 0.5})).samples)["refusal"]
        for pair in pairs
    ]
    assert set(refused) == {0, 1} and 10 <= sum(refused) <= 30


def test_without_a_sentence_only_words_are_learned() -> None:
    samples = made([replace(PLATINUM, sentence="")]).samples
    assert kinds(samples) == {"answer": 1, "refusal": 2}


def test_an_answer_that_is_a_sentence_itself_teaches_no_few_words() -> None:
    pair = replace(PLATINUM, answers=(PLATINUM.sentence,))
    (answered,) = [sample for sample in made([pair]).samples if sample.kind == "answer"]
    gold = DOCUMENTS[0].passages[0].indexed_text
    assert answered.messages == render(PLATINUM.question, [gold], "sentence")


def test_a_right_passage_that_is_not_found_is_put_in() -> None:
    """With one passage to read, the gold card's question about last year finds another one first."""
    pair = Pair(
        "desk", "platinum gold card costs", ("ten",), evidence=(Evidence("hours.txt", "desk opens at ten"),)
    )
    (answered,) = [s for s in made([pair], k=1).samples if s.kind == "answer"]
    assert "The card desk opens at ten." in plain_text(answered.messages)


def test_a_rival_that_holds_the_answer_teaches_nothing() -> None:
    pair = replace(PLATINUM, question="What does the gold card cost?", answers=("opens at nine",))
    pair = replace(pair, evidence=(Evidence("hours.txt", "The platinum lounge opens at nine."),))
    other = a_document("copy.txt", ["The gold lounge opens at nine, it costs nothing."])
    corpus = a_corpus(4, other)
    found = samples_of([pair], corpus, FakeGenerator().count_tokens, SETTINGS, lambda _d, _t: None)
    assert all(other.text not in plain_text(sample.messages) for sample in found.samples)


def test_what_the_documents_do_not_say_is_refused() -> None:
    samples = made([UNKNOWN]).samples
    assert kinds(samples) == {"refusal": 2}
    assert {sample.reply for sample in samples} == {refusal("en")}


def test_together_all_passages_stand_in_their_order_or_the_right_one_is_gone() -> None:
    always = SETTINGS.model_copy(update={"together": 1.0, "removed": 0.0, "distractors": 0})
    (together,) = [s for s in made([PLATINUM], always).samples if s.kind == "together"]
    found = [entry.passage for entry in a_corpus().ranked([PLATINUM.question])[0]]
    assert together.messages == render(PLATINUM.question, [p.indexed_text for p in found], "words")
    assert together.reply == "680 yuan"
    (removed,) = [
        s
        for s in made([PLATINUM], always.model_copy(update={"removed": 1.0})).samples
        if s.kind == "together"
    ]
    assert removed.reply == refusal("en")
    assert "680" not in plain_text(removed.messages)


def test_the_share_that_is_asked_together_is_kept() -> None:
    pairs = [
        replace(PLATINUM, id=f"p{n}", question=f"What does the platinum card cost in {n}?")
        for n in range(200)
    ]
    settings = SETTINGS.model_copy(update={"together": 0.25, "removed": 0.4})
    together = [s for s in made(pairs, settings).samples if s.kind == "together"]
    assert 30 <= len(together) <= 70
    refused = sum(s.reply == refusal("en") for s in together)
    assert 0.2 <= refused / len(together) <= 0.6


def test_the_seed_and_the_id_decide_about_a_pair_and_nothing_else() -> None:
    pairs = [replace(PLATINUM, id=f"p{n}", question=f"What does the card {n} cost?") for n in range(20)]
    settings = SETTINGS.model_copy(update={"together": 0.5, "sentences": 0.5})
    one, other = made(pairs, settings).samples, made(pairs[::-1], settings).samples
    assert set(one) == set(other)
    assert set(made(pairs, settings.model_copy(update={"seed": 1})).samples) != set(one)


def test_a_question_is_learned_as_it_is_served() -> None:
    pair = replace(PLATINUM, question="What does the platinum card cost this year?")
    assert all("this year (2026)" in plain_text(sample.messages) for sample in made([pair]).samples)


def test_a_pair_whose_evidence_no_passage_holds_whole_is_named() -> None:
    torn = replace(PLATINUM, evidence=(Evidence("fees-2026.txt", "680 yuan. The gold card"),))
    found = made([torn, UNKNOWN])
    assert [(d.id, d.origin, sentence_of(d.reason)) for d in found.dropped] == [
        ("platinum", "test:1", "no passage contains the whole evidence")
    ]
    assert found.samples


@pytest.mark.parametrize(
    ("document", "quote", "right"),
    [
        ("fees-2026.txt", "The platinum card\ncosts 680 yuan.", True),
        ("fees-2026.txt", "", True),
        ("fees-2025.txt", "The platinum card costs 680 yuan.", False),
        ("fees-2026.txt", "The gold card costs 200 yuan.", False),
    ],
)
def test_a_right_passage_holds_the_quote_in_its_document(document: str, quote: str, right: bool) -> None:
    pair = replace(PLATINUM, evidence=(Evidence(document, quote),))
    assert is_gold(DOCUMENTS[0].passages[0], pair) is right


def test_a_task_is_learned_as_it_is() -> None:
    asked = (Message("user", "Extract the fee as JSON: 680 yuan"),)
    (sample,) = task_samples([Task("t1", asked, '{"fee": 680}')])
    assert sample == Sample(asked, '{"fee": 680}', "t1", "task")
