"""Asks every contender every case and scores the answers; what was answered before is not asked again.

Answers are kept as JSON lines in a file that only grows, each as soon as it is there, so that an interruption
loses one. A line that a kill cut short, or that cannot be read, is asked again: the file saves work, it holds
no truth of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from answering.values import Answer
from finetune.evaluation.cases import Ask, Case
from finetune.evaluation.scoring import Scored, score
from finetune.files import append_json, json_lines
from knowledge_base.errors import InputError, StorageError
from knowledge_base.values import digest_of
from retrieval.models import Progress, silent

_ANSWER = TypeAdapter(Answer)


def evaluate(
    cases: Sequence[Case],
    contenders: Mapping[str, Ask],
    progress: Progress = silent,
    store: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> dict[str, tuple[Scored, ...]]:
    """Every contender's answers to every case, scored, in the order of the cases.

    Args:
        cases: questions with what would be right; their ids differ.
        contenders: how each is asked, by name.
        progress: is called with the contender, the number of cases it has answered, and their total.
        store: a file of JSON lines to which each answer is added; answers in it are taken as they are.
        digests: for each contender what its answers depend on (adapter, index, settings, prompt version): a
            stored answer counts only under the same one. One that is not named has "".

    Raises:
        InputError: if there are no cases or two have one id.
        StorageError: if the file cannot be read or written.
    """
    _check(cases)
    answers = _Answers(store)
    scored = {}
    for name, ask in contenders.items():
        keys = [_Key(name, case.id, (digests or {}).get(name, ""), _digest(case)) for case in cases]
        done = sum(key in answers.known for key in keys)
        progress(name, done, len(cases))
        for key, case in zip(keys, cases, strict=True):
            if key not in answers.known:
                answers.add(key, ask(case))
                done += 1
                progress(name, done, len(cases))
        scored[name] = tuple(score(case, answers.known[key]) for key, case in zip(keys, cases, strict=True))
    return scored


def _check(cases: Sequence[Case]) -> None:
    if not cases:
        raise InputError("There are no cases to evaluate.", "Give test pairs.")
    name, times = Counter(case.id for case in cases).most_common(1)[0]
    if times > 1:
        raise InputError(f"The case {name} is there {times} times.", "Give every pair an id of its own.")


def _digest(case: Case) -> str:
    """A case that asks something else than before is asked again."""
    asked = [case.question, *sorted(case.without), *(message.content for message in case.messages)]
    return digest_of("\0".join(asked).encode("utf-8", errors="replace"))


@dataclass(frozen=True, slots=True)
class _Key:
    """Whose answer to what: the contender and what it depends on, the case and what it asks."""

    contender: str
    case: str
    digest: str
    asked: str


class _Answers:
    """Answers by key, kept in `file`, or only in memory where there is none."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.known: dict[_Key, Answer] = {}
        try:
            text = file.read_text(encoding="utf-8", errors="replace") if file and file.exists() else ""
        except OSError as error:
            raise _unusable(file, error) from error
        for stored in json_lines(text):
            try:
                key = _Key(*(str(stored[name]) for name in ("contender", "case", "digest", "asked")))
                self.known[key] = _ANSWER.validate_python(stored["answer"])
            except (KeyError, TypeError, ValidationError):  # of another version
                continue

    def add(self, key: _Key, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns, or StorageError is raised."""
        self.known[key] = answer
        if self._file is None:
            return
        record = {**asdict(key), "answer": _ANSWER.dump_python(answer)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            append_json(self._file, record)
        except OSError as error:
            raise _unusable(self._file, error) from error


def _unusable(file: Path | None, error: OSError) -> StorageError:
    return StorageError(
        f"The file of answers {file} cannot be used: {error}.",
        "Check that its folder is writable and the disk has space, then run the same command again.",
    )
