"""Cases and replies made up for tests: contenders that are right as often as the test says."""

import random
from collections.abc import Mapping, Sequence

from answering.values import Answer, Citation, Kind, Trace
from finetune.evaluation.cases import Case
from finetune.evaluation.scoring import Scored, score
from finetune.pairs.values import Evidence
from knowledge_base.values import Passage
from retrieval.retriever import Ranked

WORDS = ("amber", "birch", "copper", "delta", "ember", "fjord", "grove", "harbour", "iris", "juniper")


def a_case(number: int, answerable: bool = True, language: str = "en") -> Case:
    answer = f"{WORDS[number % 10]} {number}"
    return Case(
        question=f"What is number {number}?" if language == "en" else f"第{number}号是什么？",
        answers=(answer,) if answerable else (),
        evidence=(Evidence(f"{number}.txt", f"It is {answer}."),) if answerable else (),
        id=f"{'a' if answerable else 'u'}{number:03}",
        kind="answerable" if answerable else "unanswerable",
        language="zh" if language == "zh" else "en",
    )


def some_cases(answerable: int = 60, unanswerable: int = 30) -> list[Case]:
    return [a_case(n) for n in range(answerable)] + [a_case(n, False) for n in range(unanswerable)]


def an_answer(  # noqa: PLR0913 - a test names only what it is about
    text: str = "",
    *,
    refused: bool = False,
    seconds: float = 1.0,
    cited: Sequence[tuple[str, str]] = (),
    found: Sequence[str] = (),
    stages: Mapping[str, float] | None = None,
    kind: Kind = "fact",
) -> Answer:
    """An answer that cites (document, quote) and has read passages of the documents `found`."""
    ranked = tuple(_ranked(document) for document in found)
    return Answer(
        id="1",
        question="?",
        collection="bank",
        text=text,
        outcome="not_found" if refused else "answered",
        confidence=0.8,
        threshold=0.5,
        sentences=(),
        citations=tuple(_citation(number, *place) for number, place in enumerate(cited, 1)),
        nearest=(),
        adapter="base",
        trace=Trace("?", ranked, "", (), 1, seconds=stages or {}),
        seconds=seconds,
        kind=kind,
    )


def _ranked(document: str) -> Ranked:
    return Ranked(Passage(document, 0, "", 0, 0, ""), 1.0)


def _citation(number: int, document: str, quote: str) -> Citation:
    return Citation(number, "", document, "", None, 0, len(quote), quote, 1.0)


def contender(
    cases: Sequence[Case],
    right: float,
    refuses: float = 0.9,
    wrongly: float = 0.02,
    seconds: float = 1.0,
    seed: int = 0,
) -> list[Scored]:
    """Replies of which a share is right, each contender's own draw; the share of refusals is exact."""
    draw = random.Random(seed)
    refused = _exactly(refuses, [case.id for case in cases if not case.answerable], draw)
    refused |= _exactly(wrongly, [case.id for case in cases if case.answerable], draw)
    scored = []
    for case in cases:
        text = case.answers[0] if case.answers and draw.random() < right else "something else"
        scored.append(score(case, an_answer(text, refused=case.id in refused, seconds=seconds)))
    return scored


def shuffled(cases: Sequence[Case], seed: int = 0) -> list[Scored]:
    """One that was trained on shuffled answers: fluent, sure, and the answer of another question."""
    answers = [case.answers[0] for case in cases if case.answers]
    draw = random.Random(seed)
    return [score(case, an_answer(draw.choice(answers), refused=not case.answers)) for case in cases]


def _exactly(share: float, ids: Sequence[str], draw: random.Random) -> set[str]:
    return set(draw.sample(ids, round(share * len(ids))))
