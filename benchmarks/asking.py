"""What the benchmarks of answers share: cases of a public set, figures of the replies."""

import random
import sys
from collections.abc import Sequence

from app.workspace import Workspace
from benchmarks.measuring import Asked, QuestionSet, Row, paragraph_document
from finetune.evaluation.bootstrap import Estimate
from finetune.evaluation.cases import Case
from finetune.evaluation.scoring import Scored, cites_evidence, summarise
from finetune.pairs.values import Evidence
from retrieval.prompt import language_of


def public_cases(workspace: Workspace, read: QuestionSet, count: int, draw: int = 0) -> list[Case]:
    """Every drawn question with its paragraph there, and once more with it taken out.

    No draw has a question of an earlier one: what was chosen on one is measured on another.
    """
    documents = [paragraph_document(read.name, number, text) for number, text in enumerate(read.paragraphs)]
    workspace.index(read.name).add(documents)
    cases = []
    for asked in _drawn(read.questions, count, draw):
        path, language = documents[asked.paragraph].path, language_of(asked.question)
        evidence = tuple(Evidence(path, answer) for answer in asked.answers)
        cases.append(Case(asked.id, asked.question, asked.answers, evidence, "answerable", language))
        gone = f"{asked.id} without its paragraph"
        cases.append(Case(gone, asked.question, (), (), "removed", language, frozenset({path})))
    return cases


def _drawn(questions: Sequence[Asked], count: int, draw: int) -> list[Asked]:
    left = list(questions)
    taken: list[Asked] = []
    for number in range(draw + 1):
        left = [question for question in left if question not in taken]
        taken = random.Random(number).sample(left, min(count, len(left)))
    return taken


def figures(scored: Sequence[Scored]) -> Row:
    """How good replies were, in a row of a table."""
    summary = summarise(scored)
    return {
        "answerable": sum(entry.case.answerable for entry in scored),
        "EM": _mean(summary.em),
        "F1": _mean(summary.f1),
        "F1 from": summary.f1.low if summary.f1 else None,
        "F1 to": summary.f1.high if summary.f1 else None,
        "wrongly refused": _mean(summary.false_refusals),
        "unanswerable": sum(not entry.case.answerable for entry in scored),
        "rightly refused": _mean(summary.refusal_recall),
        "citation right": _mean(summary.citations),
        "document right": _share_of_right_documents(scored),
        "found": _mean(summary.hits),
        "seconds": summary.median,
    }


def _share_of_right_documents(scored: Sequence[Scored]) -> float | None:
    """Of the answers given, those that cite a document of the evidence, at whichever sentence."""
    right = [
        cites_evidence(entry.answer, [Evidence(place.document, "") for place in entry.case.evidence])
        for entry in scored
        if entry.cites is not None
    ]
    return sum(right) / len(right) if right else None


def _mean(estimate: Estimate | None) -> float | None:
    return estimate.mean if estimate else None


def tell(label: str, done: int, total: int) -> None:
    """How far it is, for who waits."""
    print(f"{label}: {done} of {total}", file=sys.stderr)
