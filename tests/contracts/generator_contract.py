"""What every `Generator` does, and every `Scorer`; the tests of each subclass the contracts here."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import pytest

from answering.generation.protocol import Generator, Request, Scorer
from knowledge_base.errors import InputError, NotFoundError
from retrieval.prompt import Message

ENGLISH = "The platinum card costs 680 yuan a year.\nQuestion: What does the platinum card cost?\nAnswer:"
CHINESE = "白金卡年费为680元。\n问题：白金卡的年费是多少？\n回答："
TOO_LONG = "fee " * 20_000


def asked(
    text: str = ENGLISH, adapter: str | None = None, tokens: int = 8, stop: Sequence[str] = ()
) -> Request:
    """A request of one user message."""
    return Request((Message("user", text),), adapter, max_new_tokens=tokens, stop=tuple(stop))


def written(generator: Generator, request: Request) -> str:
    """The whole answer."""
    return "".join(generator.stream(request))


class After:
    """Cancelled from the n-th time it is asked."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


class GeneratorContract:
    """Subclasses give the fixtures `generator` (context under 20,000 tokens) and `adapter`, a known name."""

    @pytest.mark.parametrize("text", [ENGLISH, CHINESE])
    def test_greedy_text_is_the_same_every_time(self, generator: Generator, text: str) -> None:
        first = written(generator, asked(text))
        assert first
        assert written(generator, asked(text)) == first

    def test_no_piece_is_empty_and_there_are_no_more_than_tokens_asked_for(
        self, generator: Generator
    ) -> None:
        pieces = list(generator.stream(asked(tokens=5)))
        assert 1 <= len(pieces) <= 5
        assert all(pieces)

    def test_a_longer_answer_begins_like_a_shorter_one(self, generator: Generator) -> None:
        assert written(generator, asked(tokens=8)).startswith(written(generator, asked(tokens=3)))

    def test_a_stop_text_ends_the_answer_and_is_not_shown(self, generator: Generator) -> None:
        whole = written(generator, asked())
        stop = whole[len(whole) // 2 :][:3]
        assert written(generator, asked(stop=[stop])) == whole[: whole.index(stop)]

    def test_a_stop_text_that_does_not_come_changes_nothing(self, generator: Generator) -> None:
        whole = written(generator, asked())
        assert written(generator, asked(stop=[whole[-1] + "\0never"])) == whole

    def test_what_one_reply_must_not_begin_with_binds_no_other(self, generator: Generator) -> None:
        usual = written(generator, asked())
        assert written(generator, replace(asked(), unlike=usual.strip() or "x"))
        assert written(generator, asked()) == usual

    def test_what_is_cancelled_before_it_starts_writes_nothing(self, generator: Generator) -> None:
        assert list(generator.stream(asked(), lambda: True)) == []

    def test_cancelling_stops_within_a_token(self, generator: Generator) -> None:
        pieces: list[str] = []
        for piece in generator.stream(asked(), lambda: bool(pieces)):
            pieces.append(piece)
        assert len(pieces) == 1

    def test_whenever_it_is_cancelled_the_text_is_a_beginning(self, generator: Generator) -> None:
        whole = written(generator, asked())
        for calls in range(6):
            assert whole.startswith("".join(generator.stream(asked(), After(calls))))

    def test_closing_an_answer_makes_way_for_the_next(self, generator: Generator) -> None:
        whole = written(generator, asked())
        unfinished = generator.stream(asked())
        next(unfinished)
        unfinished.close()  # type: ignore[attr-defined]
        assert written(generator, asked()) == whole

    def test_an_answer_that_never_starts_blocks_nobody(self, generator: Generator) -> None:
        _forgotten = generator.stream(asked())
        assert written(generator, asked())

    def test_an_unknown_adapter_is_named_with_the_known_ones(
        self, generator: Generator, adapter: str
    ) -> None:
        with pytest.raises(NotFoundError, match="no-such") as caught:
            written(generator, asked(adapter="no-such"))
        assert adapter in str(caught.value)

    def test_a_known_adapter_answers(self, generator: Generator, adapter: str) -> None:
        assert written(generator, asked(adapter=adapter))

    def test_a_prompt_beyond_the_context_is_refused(self, generator: Generator) -> None:
        with pytest.raises(InputError, match="tokens"):
            written(generator, asked(TOO_LONG))

    @pytest.mark.parametrize("messages", [(), (Message("user", " \n"),)])
    def test_a_prompt_without_text_is_refused(
        self, generator: Generator, messages: tuple[Message, ...]
    ) -> None:
        with pytest.raises(InputError):
            written(generator, Request(messages))

    def test_tokens_are_counted_for_each_text(self, generator: Generator) -> None:
        assert generator.count_tokens([]) == []
        nothing, little, much = generator.count_tokens(["", "fee", "fee fee 年费"])
        assert nothing == 0
        assert 0 < little < much

    def test_what_is_read_and_written_is_counted(self, generator: Generator) -> None:
        before = generator.tokens.totals()
        assert written(generator, asked(tokens=2))
        after = generator.tokens.totals()
        assert after["prompt"] - before["prompt"] >= 5
        assert after["completion"] - before["completion"] in (1, 2)
        assert before["cached"] <= after["cached"] <= after["prompt"]

    def test_many_at_once_each_get_their_own_answer(self, generator: Generator) -> None:
        requests = [asked(f"{text}{number}") for number in range(3) for text in (ENGLISH, CHINESE)]
        alone = [written(generator, request) for request in requests]
        with ThreadPoolExecutor(len(requests)) as pool:
            together = list(pool.map(lambda request: written(generator, request), requests))
        assert together == alone


class WriterAndScorer(Generator, Scorer, Protocol):
    """Both seams in one, as the generator in this process is."""


class ScorerContract:
    """For generators that are scorers too; the same fixtures."""

    def test_scores_are_log_probabilities_one_for_each_request(self, generator: WriterAndScorer) -> None:
        scores = generator.logprobs([asked(ENGLISH), asked(CHINESE)], " yes")
        assert len(scores) == 2
        assert all(score <= 0 for score in scores)
        assert generator.logprobs([], " yes") == []

    def test_a_score_does_not_depend_on_the_others(self, generator: WriterAndScorer) -> None:
        english, chinese = generator.logprobs([asked(ENGLISH), asked(CHINESE)], " yes")
        assert generator.logprobs([asked(CHINESE)], " yes") == pytest.approx([chinese], abs=1e-4)
        assert generator.logprobs([asked(ENGLISH)], " yes") == pytest.approx([english], abs=1e-4)

    def test_scoring_first_does_not_change_the_answer(self, generator: WriterAndScorer) -> None:
        before = written(generator, asked())
        generator.logprobs([asked(CHINESE), asked()], " yes")
        assert written(generator, asked()) == before

    def test_cancelled_scoring_ends_between_two_prompts_and_gives_the_scores_so_far(
        self, generator: WriterAndScorer
    ) -> None:
        requests = [asked(ENGLISH), asked(CHINESE)]
        whole = generator.logprobs(requests, " yes")
        assert generator.logprobs(requests, " yes", lambda: True) == []
        for calls in range(8):
            scores = generator.logprobs(requests, " yes", After(calls))
            assert scores == pytest.approx(whole[: len(scores)], abs=1e-4)
        assert generator.logprobs(requests, " yes") == pytest.approx(whole, abs=1e-4)

    def test_an_empty_continuation_and_an_unknown_adapter_are_refused(
        self, generator: WriterAndScorer
    ) -> None:
        with pytest.raises(InputError):
            generator.logprobs([asked()], "")
        with pytest.raises(NotFoundError):
            generator.logprobs([asked(adapter="no-such")], " yes")
