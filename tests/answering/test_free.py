"""Reading with a capable model: whole passages, conversation, checked claims, thoughts, refusals."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from answering.free import FreeReader, FreeReading
from answering.generation.protocol import Request
from answering.values import Answer, Finished, Piece, Question, Searched, Turn
from knowledge_base.errors import UnavailableError
from retrieval.retriever import Retriever
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, a_document

Reply = Callable[[Request], str]
REFUSED = "I could not find this in the documents."
GOLD = "The gold card costs 200 yuan a year in 2026."
SILVER = "The silver card costs 90 yuan a year in 2026."
FEE = Question("What does the gold card cost a year?", "bank")
STANDARD = FreeReading()
AFTER_FEE = (Turn(FEE.text, f"{GOLD} [1]"),)


@pytest.fixture
def retriever() -> Retriever:
    index = FakeIndex()
    index.add(
        [
            a_document("fees/gold.txt", [GOLD, "It includes travel insurance."], title="Gold card"),
            a_document("fees/silver.txt", [SILVER], title="Silver card"),
            a_document("hours.txt", ["Branches open at nine on weekdays."], title="Hours"),
            a_document("zh.txt", ["金卡年费为200元。", "办卡须携带身份证。"], title="金卡"),
        ]
    )
    return Retriever(index)


class Model(FakeGenerator):
    """Says `answer`, and `rewritten` where it is asked to rewrite a question."""

    def __init__(self, answer: str, rewritten: str = "", context: int = 8192) -> None:
        super().__init__(reply=self._say, context=context, chats=True)
        self.answer, self.rewritten = answer, rewritten

    def _say(self, request: Request) -> str:
        asked = request.messages[0].content
        return self.rewritten if "Rewrite" in asked or "改写" in asked else self.answer


def reader(model: Model, reading: FreeReading = STANDARD) -> FreeReader:
    embedder = FakeEmbedder()
    return FreeReader(
        model,
        lambda texts: embedder.embed(texts, "passage"),
        reading,
        refuse=lambda answer: replace(answer, text=REFUSED, sentences=(), citations=()),
        today=lambda: date(2026, 5, 1),
    )


def finished(model: Model, retriever: Retriever, question: Question = FEE, **reading: int) -> Answer:
    *_, last = reader(model, FreeReading(**reading)).ask(question, retriever)
    assert isinstance(last, Finished)
    return last.answer


def cited(answer: Answer) -> dict[str, list[str]]:
    """The documents that each sentence is cited from."""
    return {
        sentence.text: [answer.citations[number - 1].document for number in sentence.citations]
        for sentence in answer.sentences
    }


def test_the_passages_are_read_whole_together_and_numbered_under_their_titles(retriever: Retriever) -> None:
    model = Model(f"{GOLD} [1]")
    answer = finished(model, retriever)
    (request,) = model.requests
    system, asked = request.messages
    assert system.role == "system"
    assert "[1]" in system.content
    assert asked.content.startswith("Passages:\n\n[1] Gold card")
    assert all(text in asked.content for text in (GOLD, SILVER))
    assert asked.content.endswith(f"Question: {FEE.text}")
    assert (request.stop, request.unlike, request.max_new_tokens) == ((), "", 2048)
    assert answer.trace.prompt.endswith(asked.content)


@pytest.mark.parametrize("passages", [1, 2, 5])
def test_no_more_passages_are_read_than_the_setting_allows(retriever: Retriever, passages: int) -> None:
    model = Model(GOLD)
    answer = finished(model, retriever, passages=passages)
    assert len(answer.trace.ranked) <= passages
    assert model.requests[0].messages[-1].content.count("\n\n[") == len(answer.trace.ranked)


def test_a_small_window_takes_the_passages_that_fit_and_names_those_left_out() -> None:
    index = FakeIndex()
    index.add([a_document(f"{n}.txt", [f"The gold card {n} " + "costs 200 yuan " * 60]) for n in range(6)])
    model = Model("The gold card costs 200 yuan.", context=700)
    answer = finished(model, Retriever(index))
    tokens = sum(model.count_tokens([message.content for message in model.requests[0].messages]))
    assert answer.trace.left_out
    assert tokens + model.requests[0].max_new_tokens <= 700


def test_claimed_numbers_are_taken_out_and_what_they_name_is_checked(retriever: Retriever) -> None:
    answer = finished(
        Model(f"{GOLD} [1]\n\n- {SILVER[:-1]} [3].\n- Cards are made of bamboo [1]."), retriever
    )
    assert answer.text == f"{GOLD}\n\n- {SILVER}\n- Cards are made of bamboo."
    assert cited(answer) == {
        GOLD: ["fees/gold.txt"],
        SILVER: ["fees/silver.txt"],
        "Cards are made of bamboo.": [],
    }
    assert answer.outcome == "answered"
    assert [citation.number for citation in answer.citations] == [1, 2]


def test_the_passage_that_is_named_wins_among_those_that_carry_a_sentence() -> None:
    index = FakeIndex()
    index.add([a_document(name, [GOLD]) for name in ("a.txt", "b.txt")])
    documents = {cited(finished(Model(f"{GOLD} [{number}]"), Retriever(index)))[GOLD][0] for number in (1, 2)}
    assert documents == {"a.txt", "b.txt"}


def test_a_figure_that_no_passage_holds_is_never_cited(retriever: Retriever) -> None:
    answer = finished(Model(f"{GOLD} [1] The gold card costs 300 yuan a year in 2027 [1]."), retriever)
    assert cited(answer)["The gold card costs 300 yuan a year in 2027."] == []


def test_an_answer_that_nothing_carries_is_not_shown(retriever: Retriever) -> None:
    answer = finished(Model("Bamboo grows in Sichuan [1]."), retriever)
    assert (answer.outcome, answer.text, answer.citations) == ("not_found", REFUSED, ())


@pytest.mark.parametrize(
    "refusal",
    [
        "The documents do not say this.",
        "I'm sorry, but the provided passages do not mention the gold card's fee.",
        "There is no information about that in the documents. Please contact the bank.",
    ],
)
def test_a_refusal_in_free_words_is_one(retriever: Retriever, refusal: str) -> None:
    answer = finished(Model(refusal), retriever)
    assert (answer.outcome, answer.text) == ("not_found", REFUSED)


def test_what_is_said_after_a_refusal_is_related(retriever: Retriever) -> None:
    text = f"The documents do not mention the platinum card. {GOLD} [1]"
    answer = finished(Model(text), retriever)
    assert answer.outcome == "related"
    assert answer.text.startswith("The documents do not mention")
    assert list(cited(answer)) == [GOLD]


@pytest.mark.parametrize(
    "said",
    [
        f"<think>The silver card costs 90. [2]</think>\n\n{GOLD} [1]",
        f"The silver card costs 90. [2]</think>\n\n{GOLD} [1]",
        f"<think></think>{GOLD} [1]",
        f"{GOLD} [1]<think>Was that right?",
    ],
)
def test_thoughts_are_neither_shown_nor_cited(retriever: Retriever, said: str) -> None:
    events = list(reader(Model(said)).ask(FEE, retriever))
    assert isinstance(events[-1], Finished)
    answer = events[-1].answer
    assert answer.text == GOLD
    assert cited(answer) == {GOLD: ["fees/gold.txt"]}
    if said.startswith("<think>"):
        assert "".join(event.text for event in events if isinstance(event, Piece)) == f"{GOLD} [1]"


def test_it_streams_after_the_search_and_ends_once(retriever: Retriever) -> None:
    kinds = [type(event) for event in reader(Model(f"{GOLD} [1]")).ask(FEE, retriever)]
    assert kinds[0] is Searched
    assert kinds[-1] is Finished
    assert set(kinds[1:-1]) == {Piece}
    assert len(kinds) > 5


def test_thoughts_alone_are_an_error_that_says_what_to_do(retriever: Retriever) -> None:
    with pytest.raises(UnavailableError, match="limit of 4 tokens while it was thinking") as caught:
        finished(Model("<think>one two three four five six"), retriever, replace(FEE, max_new_tokens=4))
    assert "free_new_tokens" in caught.value.remedy


def test_silence_is_an_error_and_not_a_refusal(retriever: Retriever) -> None:
    with pytest.raises(UnavailableError, match="ended without an answer"):
        finished(Model("  \n"), retriever)


def test_an_answer_that_was_cut_says_so(retriever: Retriever) -> None:
    answer = finished(Model(f"{GOLD} More follows here"), retriever, replace(FEE, max_new_tokens=12))
    assert answer.text.endswith("*The answer was cut off at the limit of 12 tokens.*")
    assert answer.outcome == "answered"
    whole = finished(Model(GOLD), retriever)
    assert "cut off" not in whole.text


def test_a_follow_up_is_rewritten_by_the_model_and_the_last_turns_are_messages(retriever: Retriever) -> None:
    model = Model(f"{SILVER} [1]", rewritten='<think>Hm.</think>"What does the silver card cost a year?"')
    answer = finished(model, retriever, Question("And the silver one?", "bank", history=AFTER_FEE))
    assert answer.trace.standalone == "What does the silver card cost a year?"
    assert answer.question == "And the silver one?"
    roles = [message.role for message in model.requests[-1].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert model.requests[-1].messages[1].content == FEE.text
    assert cited(answer) == {SILVER: ["fees/silver.txt"]}


@pytest.mark.parametrize(
    "rewritten",
    ["", "Sure!\nHere it is:\nWhat?", "It costs 90.", "The documents do not say this.", "silver " * 200],
)
def test_a_rewrite_that_is_no_question_about_it_gives_way_to_the_rules(
    retriever: Retriever, rewritten: str
) -> None:
    model = Model(f"{SILVER} [1]", rewritten)
    answer = finished(model, retriever, Question("And the silver one?", "bank", history=AFTER_FEE))
    assert answer.trace.standalone == "What does the silver card cost a year?"


def test_a_conversation_longer_than_the_window_is_cut_at_its_beginning(retriever: Retriever) -> None:
    history = tuple(Turn(f"What about card {n}?", "It is made of plastic. " * 20) for n in range(9))
    model = Model(f"{GOLD} [1]", rewritten=FEE.text, context=900)
    answer = finished(model, retriever, replace(FEE, history=history))
    asked = [message.content for message in model.requests[-1].messages if message.role == "user"]
    assert answer.outcome == "answered"
    assert len(asked) < 4
    assert asked[-1].endswith(FEE.text)


def test_years_are_named_without_a_conversation(retriever: Retriever) -> None:
    answer = finished(Model(GOLD), retriever, replace(FEE, text="What does the gold card cost this year?"))
    assert "2026" in answer.trace.standalone


def test_chinese_is_asked_and_checked_in_chinese(retriever: Retriever) -> None:
    model = Model("金卡的年费为200元【1】。\n\n- 办卡须携带身份证[2]。")
    answer = finished(model, retriever, Question("金卡的年费是多少？", "bank"))
    assert model.requests[0].messages[-1].content.startswith("段落:")
    assert answer.outcome == "answered"
    assert all(sentence.supported for sentence in answer.sentences)
    assert "【" not in answer.text


@pytest.mark.parametrize("history", [(), AFTER_FEE])
def test_whenever_it_is_cancelled_nothing_is_finished(
    retriever: Retriever, history: tuple[Turn, ...]
) -> None:
    for calls in range(12):
        left = [calls]

        def cancelled(left: list[int] = left) -> bool:
            left[0] -= 1
            return left[0] < 0

        events = list(
            reader(Model(f"{GOLD} [1]", FEE.text)).ask(replace(FEE, history=history), retriever, cancelled)
        )
        assert not any(isinstance(event, Finished) for event in events)


def test_an_empty_collection_is_not_asked_of_the_model() -> None:
    model = Model(GOLD)
    answer = finished(model, Retriever(FakeIndex()))
    assert model.requests == []
    assert answer.text == REFUSED


def test_each_stage_is_timed_and_the_adapter_is_named(retriever: Retriever) -> None:
    answer = finished(Model(GOLD), retriever)
    assert set(answer.trace.seconds) == {"search", "write", "check"}
    assert answer.seconds == pytest.approx(sum(answer.trace.seconds.values()))
    assert (answer.adapter, answer.profile, answer.confidence) == ("base", "free", None)
    spans = [(citation.start, citation.end) for citation in answer.citations]
    assert all(start < end for start, end in spans)
    assert all(one != other for one, other in pairwise(spans))
