"""All contenders answer the same held-out questions; tasks without retrieval are measured alike."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from finetune.evaluation.evaluate import Evaluation, evaluate
from finetune.evaluation.forgetting import Forgetting, measure_forgetting
from finetune.evaluation.scoring import Scored
from finetune.evaluation.values import (
    BASE,
    CANDIDATE,
    EXAMPLES,
    LIVE,
    NO_CONTEXT,
    Ask,
    Case,
    Question,
    Reply,
    cases_of,
)
from finetune.pairs.values import Pair, Task
from finetune.registry.manifest import StoredReading
from finetune.retrain.folder import RunFolder
from finetune.retrain.steps import Parts, candidate_folder
from finetune.retrain.values import Contender, RetrainSettings, Status, Surroundings, Tell
from finetune.training.text_loss import TextLosses
from retrieval.prompt import PROMPT_VERSION, language_of


@dataclass(frozen=True, slots=True)
class Measured:
    """The scored cases of every contender, and what the candidate forgot."""

    scored: Mapping[str, tuple[Scored, ...]]
    forgetting: Forgetting


def contenders(folder: RunFolder, reading: StoredReading, live: str | None) -> list[Contender]:
    """Who is compared, in the order of the report."""
    candidate = Contender(CANDIDATE, candidate_folder(folder), reading)
    rivals = [Contender(BASE, examples=False), Contender(EXAMPLES)]
    if live is not None:
        rivals.append(Contender(LIVE, live))
    return [*rivals, candidate, replace(candidate, name=NO_CONTEXT, context=False)]


def measure(  # noqa: PLR0913, PLR0917
    parts: Parts,
    reading: StoredReading,
    surroundings: Surroundings,
    settings: RetrainSettings,
    folder: RunFolder,
    tell: Tell,
) -> Measured:
    """Ask everyone everything; what was answered before an interruption is not asked again."""
    compared = contenders(folder, reading, surroundings.live)
    if parts.heldout:
        cases = cases_to_ask(parts.heldout, settings)
        asks = {contender.name: surroundings.ask(contender) for contender in compared}
    else:
        compared = [entry for entry in compared if entry.context and entry.name != EXAMPLES]
        cases = [_case(task) for task in parts.heldout_tasks]
        asks = {entry.name: _finishing(parts.heldout_tasks, surroundings, entry) for entry in compared}
    seen = seen_by(surroundings)
    evaluation: Evaluation = evaluate(
        cases,
        asks,
        lambda label, done, total: tell(Status("evaluate", done, total, label)),
        folder.path / "replies.jsonl",
        {entry.name: f"{seen}\0{entry}" for entry in compared},
    )
    tell(Status("evaluate", len(cases), len(cases), "general text"))
    losses = TextLosses(surroundings.base, candidate_folder(folder))
    return Measured(evaluation.scored, measure_forgetting(losses.of_base, losses.of_adapted))


def cases_to_ask(pairs: Sequence[Pair], settings: RetrainSettings) -> list[Case]:
    """Held-out cases in even languages and kinds, at most as many questions as the settings allow."""
    cases = cases_of(pairs, share=0.5, seed=settings.seed)
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in sorted(cases, key=lambda case: _lot(case, settings.seed)):
        groups.setdefault((case.language, "yes" if case.answerable else "no"), []).append(case)
    # Answerable questions are what the gain is measured on, so they get two thirds of the room.
    room = {"yes": settings.heldout_questions * 2 // 3, "no": settings.heldout_questions // 3}
    languages = {language for language, _ in groups}
    chosen = {
        case.id
        for (_, answerable), members in groups.items()
        for case in members[: max(1, room[answerable] // len(languages))]
    }
    return [case for case in cases if case.id in chosen]


def _lot(case: Case, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{case.id}".encode()).hexdigest()


def _case(task: Task) -> Case:
    asked = task.messages[-1].content
    return Case(Question(task.id), (task.reply,), (), task.id, "answerable", language_of(asked))


def _finishing(tasks: Sequence[Task], surroundings: Surroundings, contender: Contender) -> Ask:
    by_id = {task.id: task for task in tasks}

    def ask(questions: Sequence[Question]) -> list[Reply]:
        return [_reply(surroundings.finish(contender, by_id[question.text])) for question in questions]

    return ask


def _reply(text: str) -> Reply:
    return Reply(text, refused=False, confidence=1.0, cited=(), found=(), seconds=0.0)


def seen_by(surroundings: Surroundings) -> str:
    """What replies depend on beside the contender: base, prompt, and every document's text."""
    told = hashlib.sha256(f"{surroundings.base_digest}\0{PROMPT_VERSION}".encode())
    for path, text in sorted(surroundings.texts().items()):
        told.update(f"{path}\0{text}\0".encode())
    return told.hexdigest()
