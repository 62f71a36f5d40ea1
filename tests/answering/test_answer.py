"""The answering function, with a reader that follows a script."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import pytest

from answering.answer import Answerer, Reading
from answering.generation.protocol import Cancelled, Request, never
from answering.selection import Models
from answering.sufficiency import Calibration
from answering.values import Answer, Finished, Piece, Question, Searched, Turn
from retrieval.prompt import Style, refusal
from retrieval.retriever import Retriever
from retrieval.values import TextKind, Vectors
from tests.fakes import FakeEmbedder, FakeIndex, a_document, near

DOUBT = Calibration({"certainty": 1.0}, bias=-2.0, threshold=0.5)
READING = Reading(
    passages=3, passage_tokens=50, max_new_tokens=16, scored=DOUBT, unscored=DOUBT, examples=False
)


class ScriptedReader:
    """Is certain of texts that hold `certain_of`, and answers `reply`."""

    chats = False

    def __init__(self, certain_of: str, reply: str) -> None:
        self.certain_of = certain_of
        self.reply = reply
        self.asked: list[Request] = []
        self.read: list[Request] = []

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[str]:
        self.asked.append(request)
        for word in self.reply.split(" "):
            if cancelled():
                return
            yield f"{word} "

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        self.read.extend(requests)
        return [-5.0 if self.certain_of in request.messages[-1].content else -0.1 for request in requests]


class SilentReader(ScriptedReader):
    """A generator that cannot tell its doubt."""

    logprobs = None  # type: ignore[assignment]


@pytest.fixture
def retriever() -> Retriever:
    index = FakeIndex()
    index.add(
        [
            a_document("fees/2026.txt", ["The platinum card costs 680 a year."], title="Fees 2026"),
            a_document("fees/2025.txt", ["The platinum card costs 580 a year."], title="Fees 2025"),
            a_document("hours.txt", ["Branches open at nine."], title="Hours"),
            a_document("zh.txt", ["白金卡年费680元。"], title="收费"),
        ]
    )
    return Retriever(index)


def answerer(reader: ScriptedReader, reading: Reading = READING) -> Answerer:
    return Answerer(
        reader,
        Models(near),
        lambda adapter: reading,
        today=lambda: date(2026, 11, 23),
    )


def ask(reader: ScriptedReader, retriever: Retriever, text: str, *history: Turn) -> Answer:
    events = list(answerer(reader).ask(Question(text, "bank", history=history, style="words"), retriever))
    assert isinstance(events[0], Searched)
    assert isinstance(events[-1], Finished)
    return events[-1].answer


def test_the_passage_of_which_the_reader_is_most_certain_gives_the_answer(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2025", "580")
    answer = ask(reader, retriever, "What does the platinum card cost a year?")
    assert (answer.text, answer.refused) == ("580", False)
    assert [citation.document for citation in answer.citations] == ["fees/2025.txt"]
    assert "Fees 2025" in reader.asked[0].messages[-1].content
    assert answer.confidence == pytest.approx(DOUBT.probability({"certainty": 5.0}))


@pytest.mark.parametrize("blanks", ["", "  "])
def test_pieces_are_streamed_before_the_finished_answer(retriever: Retriever, blanks: str) -> None:
    reader = ScriptedReader("Fees 2026", f"{blanks}It costs 680 a year.")
    events = list(answerer(reader).ask(Question("platinum card cost", "bank", style="words"), retriever))
    assert "".join(event.text for event in events if isinstance(event, Piece)) == "It costs 680 a year. "


def test_without_certainty_nothing_is_written_and_the_nearest_documents_are_named(
    retriever: Retriever,
) -> None:
    reader = ScriptedReader("no such text", "680")
    answer = ask(reader, retriever, "What does the platinum card cost?")
    assert answer.refused
    assert reader.asked == []
    assert set(answer.nearest[:2]) == {"fees/2026.txt", "fees/2025.txt"}
    assert answer.nearest[0] in answer.text
    assert answer.citations == ()


def test_the_models_own_refusal_is_a_refusal(retriever: Retriever) -> None:
    answer = ask(ScriptedReader("Fees 2026", refusal("en")), retriever, "platinum card cost")
    assert answer.refused
    assert answer.nearest


def test_an_answer_that_no_passage_carries_is_refused(retriever: Retriever) -> None:
    answer = ask(ScriptedReader("Fees 2026", "nine hundred 999"), retriever, "platinum card cost")
    assert answer.refused


def test_a_partly_supported_answer_shows_which_part_is_not(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2026", "The platinum card costs 680 a year. Dragons guard 77 vaults.")
    answer = ask(reader, retriever, "platinum card cost")
    assert not answer.refused
    assert [sentence.supported for sentence in answer.sentences] == [True, False]


def test_a_refusal_speaks_the_language_of_the_question(retriever: Retriever) -> None:
    answer = ask(ScriptedReader("nothing", ""), retriever, "白金卡有几种颜色？")
    assert answer.refused
    assert answer.text.startswith("文档中没有找到答案。")


def test_an_empty_collection_refuses_without_naming_documents() -> None:
    answer = ask(ScriptedReader("", "x"), Retriever(FakeIndex()), "anything at all")
    assert (answer.refused, answer.nearest, answer.confidence) == (True, (), 0.0)


def test_years_and_the_conversation_reach_search_and_prompt(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2026", "680")
    turn = Turn("What does the platinum card cost?", "680")
    answer = ask(reader, retriever, "And this year?", turn)
    assert answer.trace.standalone == "What does the platinum card cost this year (2026)?"
    assert answer.trace.standalone in reader.asked[0].messages[-1].content
    assert answer.question == "And this year?"


def test_a_cancelled_answer_never_finishes(retriever: Retriever) -> None:
    seen: list[str] = []

    def cancelled() -> bool:
        return len(seen) >= 2

    reader = ScriptedReader("Fees 2026", "It costs a lot of money")
    for event in answerer(reader).ask(
        Question("platinum card cost", "bank", style="words"), retriever, cancelled
    ):
        assert not isinstance(event, Finished)
        if isinstance(event, Piece):
            seen.append(event.text)
    assert len(seen) == 2


@pytest.mark.parametrize(("sure", "read"), [(0.9, 1), (1.0, 3)])
def test_what_is_ranked_behind_a_sure_passage_is_not_read(
    retriever: Retriever, sure: float, read: int
) -> None:
    reader = ScriptedReader("Fees", "The platinum card costs 680 a year.")
    reading = replace(READING, scored=replace(DOUBT, sure=sure))
    answer = finished(reader, reading, retriever, "What does the platinum card cost a year?")
    assert len(reader.read) == read
    assert (answer.refused, answer.citations[0].document) == (False, answer.trace.ranked[0].passage.document)


def test_a_generator_without_log_probabilities_is_judged_by_the_search_alone(retriever: Retriever) -> None:
    reading = replace(READING, unscored=Calibration({"dense": 4.0}, bias=-2.0, threshold=0.5))
    reader = SilentReader("", "680")
    events = list(
        answerer(reader, reading).ask(
            Question("The platinum card costs a year", "bank", style="words"), retriever
        )
    )
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert not finished.answer.refused
    assert finished.answer.trace.signals["certainty"] == 0.0


TOGETHER = replace(READING, mode="together")


def finished(reader: ScriptedReader, reading: Reading, retriever: Retriever, text: str) -> Answer:
    events = list(answerer(reader, reading).ask(Question(text, "bank", style="words"), retriever))
    assert isinstance(events[-1], Finished)
    return events[-1].answer


def test_passages_can_be_read_together(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2025", "The platinum card costs 580 a year.")
    answer = finished(reader, TOGETHER, retriever, "What does the platinum card cost a year?")
    (request,) = reader.asked
    assert all(text in request.messages[-1].content for text in ("Fees 2026", "Fees 2025"))
    assert answer.citations[0].document == "fees/2025.txt"
    assert answer.trace.prompt.count("Question:") == 1


def test_what_does_not_fit_together_is_left_out(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees", "The platinum card costs 680 a year.")
    answer = finished(reader, replace(TOGETHER, passage_tokens=3), retriever, "platinum card cost a year")
    assert len(answer.trace.left_out) == 2


def test_together_nothing_found_is_refused() -> None:
    answer = finished(ScriptedReader("", "x"), TOGETHER, Retriever(FakeIndex()), "anything at all")
    assert (answer.refused, answer.confidence) == (True, 0.0)


def test_each_adapter_is_read_in_its_own_way(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2026", "680")
    strict = replace(READING, scored=replace(DOUBT, threshold=0.99), examples=True)
    asked_for: list[str | None] = []

    def readings(adapter: str | None) -> Reading:
        asked_for.append(adapter)
        return READING if adapter == "fees@2" else strict

    answers = Answerer(reader, Models(near), readings)
    found = {}
    for adapter in ("fees@2", "base", None):
        question = Question("platinum card cost", "bank", style="words", adapter=adapter)
        *_, last = answers.ask(question, retriever)
        assert isinstance(last, Finished)
        found[adapter] = last.answer
    assert asked_for == ["fees@2", None, None]
    assert {adapter: (a.refused, a.threshold, a.adapter) for adapter, a in found.items()} == {
        "fees@2": (False, 0.5, "fees@2"),
        "base": (True, 0.99, "base"),
        None: (True, 0.99, "base"),
    }
    assert [request.adapter for request in reader.asked] == ["fees@2"]


def test_in_few_words_the_model_writes_the_answer(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2026", "680")
    *_, last = answerer(reader).ask(
        Question("What does the platinum card cost?", "bank", style="words"), retriever
    )
    assert isinstance(last, Finished)
    assert "Answer in as few words as possible" in reader.asked[0].messages[0].content


@pytest.mark.parametrize("style", [None, "sentence"])
def test_otherwise_the_document_gives_it_and_nothing_is_written(
    retriever: Retriever, style: Style | None
) -> None:
    reader = ScriptedReader("Fees 2026", "never asked")
    *_, last = answerer(reader).ask(
        Question("What does the platinum card cost?", "bank", style=style), retriever
    )
    assert isinstance(last, Finished)
    assert (last.answer.text, last.answer.outcome) == ("The platinum card costs 680 a year.", "answered")
    assert [citation.quote for citation in last.answer.citations] == [last.answer.text]
    assert reader.asked == []


@pytest.mark.parametrize(
    ("greeting", "opening"), [("Hello!", "Hello!"), ("你好", "您好！"), ("Thanks a lot", "You are")]
)
def test_small_talk_reaches_neither_search_nor_model(
    retriever: Retriever, greeting: str, opening: str
) -> None:
    reader = ScriptedReader("", "never asked")
    piece, last = answerer(reader).ask(Question(greeting, "bank"), retriever)
    assert isinstance(last, Finished)
    assert isinstance(piece, Piece)
    assert last.answer.text.startswith(opening)
    assert (last.answer.kind, last.answer.outcome, last.answer.citations) == ("chat", "chat", ())
    assert (reader.asked, reader.read) == ([], [])


def test_what_is_only_related_is_marked_and_is_no_answer(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2026", "never asked")
    embedder = FakeEmbedder()  # `near` sees no difference in one word of eight; an embedder of meanings does

    def far(texts: Sequence[str], *, kind: TextKind = "passage") -> Vectors:
        return embedder.embed(texts, kind)

    answers = Answerer(reader, Models(far), lambda adapter: READING)
    *_, last = answers.ask(Question("What does the palladium card cost a year?", "bank"), retriever)
    assert isinstance(last, Finished)
    assert last.answer.refused
    assert last.answer.outcome in ("related", "not_found")
    assert "680" not in last.answer.text or last.answer.text.startswith("The documents do not say this")


def test_refusal_log_probabilities_are_those_of_passages_read_alone(retriever: Retriever) -> None:
    reader = ScriptedReader("Fees 2025", "")
    passages = [entry.passage for entry in retriever.search(["platinum card"])[0].ranked]
    doubts = answerer(reader, TOGETHER).doubts("platinum card cost", passages, "fees@2")
    certain = [doubt == -5.0 for doubt in doubts]
    assert certain == [passage.document == "fees/2025.txt" for passage in passages]
    assert answerer(SilentReader("", "")).doubts("platinum card cost", passages) == [None] * len(passages)


def test_every_stage_is_timed_and_the_prompt_is_kept(retriever: Retriever) -> None:
    answer = ask(ScriptedReader("Fees 2026", "680"), retriever, "platinum card cost")
    assert set(answer.trace.seconds) == {"search", "pack", "read", "write", "check"}
    assert answer.seconds == pytest.approx(sum(answer.trace.seconds.values()))
    assert "Question: platinum card cost" in answer.trace.prompt
