"""Asking all contenders: what was answered once is not asked again, whatever happened in between."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from answering.values import Answer
from finetune.evaluation.cases import Case
from finetune.evaluation.evaluate import evaluate
from knowledge_base.errors import InputError, StorageError
from tests.finetune.evaluation.synthetic import a_case, an_answer, some_cases

CASES = some_cases(20, 5)


class Asked:
    """A contender that keeps what it was asked, and may be killed after some questions."""

    def __init__(self, text: str = "amber 0", dies_after: int = 10**9) -> None:
        self.cases: list[Case] = []
        self._text = text
        self._dies_after = dies_after

    def __call__(self, case: Case) -> Answer:
        if len(self.cases) >= self._dies_after:
            raise KeyboardInterrupt
        self.cases.append(case)
        return an_answer(self._text, cited=[("0.txt", "amber 0")], found=["0.txt"])


def test_every_contender_answers_every_case_in_order() -> None:
    base, candidate = Asked("nothing"), Asked()
    found = evaluate(CASES, {"base": base, "candidate": candidate})
    assert list(found) == ["base", "candidate"]
    assert [entry.case for entry in found["candidate"]] == CASES
    assert base.cases == candidate.cases == CASES
    assert found["candidate"][0].f1 == 1.0
    assert found["base"][0].f1 == 0.0


def test_progress_is_reported_up_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(CASES, {"base": Asked()}, lambda *step: told.append(step))
    assert told[0] == ("base", 0, len(CASES))
    assert told[-1] == ("base", len(CASES), len(CASES))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_an_interrupted_evaluation_continues_where_it_was(tmp_path: Path) -> None:
    store = tmp_path / "run" / "replies.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evaluate(CASES, {"base": Asked(dies_after=7)}, store=store)
    again = Asked()
    found = evaluate(CASES, {"base": again}, store=store)
    assert again.cases == CASES[7:]
    assert found == evaluate(CASES, {"base": Asked()})


def test_a_second_evaluation_asks_nothing_and_finds_the_same(tmp_path: Path) -> None:
    store = tmp_path / "replies.jsonl"
    first = evaluate(CASES, {"base": Asked("港湾\n“银行”\udc80")}, store=store)
    again = Asked()
    told: list[int] = []
    assert evaluate(CASES, {"base": again}, lambda _, done, total: told.append(done), store) == first
    assert again.cases == []
    assert told == [len(CASES)]


@pytest.mark.parametrize("cut", [1, 20, 75])
def test_a_line_that_a_kill_cut_short_is_asked_again(tmp_path: Path, cut: int) -> None:
    store = tmp_path / "replies.jsonl"
    whole = evaluate(CASES, {"base": Asked()}, store=store)
    store.write_bytes(store.read_bytes()[:-cut])
    again, third = Asked(), Asked()
    assert evaluate(CASES, {"base": again}, store=store) == whole
    assert again.cases == [CASES[-1]]
    evaluate(CASES, {"base": third}, store=store)
    assert third.cases == []


@pytest.mark.parametrize(
    "line", ["", "nonsense", "[]", "3", "{}", '{"contender": "base", "answer": {}}', "\x00"]
)
def test_a_line_that_cannot_be_read_is_no_reply(tmp_path: Path, line: str) -> None:
    store = tmp_path / "replies.jsonl"
    store.write_text(line, encoding="utf-8")
    asked = Asked()
    evaluate(CASES, {"base": asked}, store=store)
    assert len(asked.cases) == len(CASES)


def test_a_reply_counts_only_for_the_contender_digest_and_question_it_was_given_to(tmp_path: Path) -> None:
    store = tmp_path / "replies.jsonl"
    evaluate(CASES, {"base": Asked()}, store=store, digests={"base": "one"})
    other_name, other_digest, other_question = Asked(), Asked(), Asked()
    evaluate(CASES, {"live": other_name}, store=store, digests={"live": "one"})
    evaluate(CASES, {"base": other_digest}, store=store, digests={"base": "two"})
    reworded = [replace(CASES[0], question="Other?"), *CASES[1:]]
    narrowed = replace(CASES[1], without=frozenset({"1.txt"}))
    reworded[1] = narrowed
    evaluate(reworded, {"base": other_question}, store=store, digests={"base": "one"})
    assert len(other_name.cases) == len(other_digest.cases) == len(CASES)
    assert other_question.cases == reworded[:2]


def test_each_reply_is_a_line_of_json(tmp_path: Path) -> None:
    store = tmp_path / "replies.jsonl"
    evaluate(CASES, {"base": Asked()}, store=store)
    lines = [json.loads(line) for line in store.read_text(encoding="utf-8").splitlines() if line]
    assert [line["case"] for line in lines] == [case.id for case in CASES]
    assert lines[0]["answer"]["text"] == "amber 0"


def test_no_cases_and_repeated_ids_are_refused() -> None:
    with pytest.raises(InputError, match="no cases"):
        evaluate([], {"base": Asked()})
    with pytest.raises(InputError, match="a003 is there 2 times"):
        evaluate([a_case(3), a_case(4), a_case(3)], {"base": Asked()})


def test_a_file_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="writable"):
        evaluate(CASES, {"base": Asked()}, store=tmp_path / "file" / "replies.jsonl")
    with pytest.raises(StorageError, match="writable"):
        evaluate(CASES, {"base": Asked()}, store=tmp_path)
