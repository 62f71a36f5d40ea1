"""The seam between answering and whatever writes text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from answering.generation.tokens import TokenCounts
from knowledge_base.errors import InputError
from retrieval.prompt import Message

Cancelled = Callable[[], bool]


def never() -> bool:
    """The `Cancelled` of work that nobody will cancel."""
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """One text to write.

    `adapter` is the name of an adapter that the generator knows, or None for the base model. Temperature 0
    is greedy and deterministic. Writing ends at the model's end token, at a `stop` text (not returned), or
    after `max_new_tokens`. The reply does not begin as `unlike` does, if that is given; see `beginnings`.
    """

    messages: tuple[Message, ...]
    adapter: str | None = None
    max_new_tokens: int = 128
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    unlike: str = ""


def beginnings(text: str) -> list[str]:
    """The spellings under which a reply may begin with the first word of `text`.

    A model that may not write "Not" goes on with "not" or " NOT": other tokens, the same reply. No blank
    stands before Chinese: it is a token by itself, with which anything may begin.
    """
    blanks = ("", " ") if text[0].isascii() else ("",)
    ways = (text, text.lower(), text.upper())
    return list(dict.fromkeys(f"{blank}{way}" for way in ways for blank in blanks))


def check_request(request: Request) -> None:
    """Refuse numbers that make no sense with InputError."""
    if request.max_new_tokens < 1:
        raise InputError(f"max_new_tokens is {request.max_new_tokens}.", "Ask for at least one token.")
    if not 0 <= request.temperature < float("inf"):
        raise InputError(f"The temperature is {request.temperature}.", "Use 0 or a positive number.")


class Generator(Protocol):
    """Writes text for messages, under a named adapter or none; `tokens` counts what it reads and writes."""

    tokens: TokenCounts

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[str]:
        """Pieces of text as they are written; their concatenation is the answer.

        Stops soon after `cancelled()` turns true or the iterator is closed. Raises InputError if the prompt
        does not fit the model, NotFoundError for an unknown adapter.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer, without special tokens."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """A generator that can also say how likely a text is to begin, before writing anything."""

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """For each request the log-probability that its reply begins with the first token of `continuation`.

        Stops soon after `cancelled()` turns true, also in the middle of a prompt; the list is shorter then.
        The prompts' prefill is kept for a while, so that streaming one of them next starts at once.
        """
        ...
