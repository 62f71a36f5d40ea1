"""The seam between answering and whatever writes text."""

import math
import re
import threading
from collections import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from knowledge_base.errors import InputError
from retrieval.prompt import Message

Cancelled = Callable[[], bool]
# Why a text ended: by itself or at a stop text, at the limit of tokens, or withheld by a server's filter.
Finish = Literal["stop", "length", "filter"]
# Pieces of text as they are written, and at the end why there are no more (None: nobody knows).
Pieces = abc.Generator[str, None, Finish | None]
TokenKind = Literal["prompt", "cached", "completion"]

# Chinese characters, kana, and the punctuation that goes with them.
_IS_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_FINISHES: dict[str, Finish] = {"length": "length", "max_tokens": "length", "content_filter": "filter"}


def never() -> bool:
    """The `Cancelled` of work that nobody will cancel."""
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """One text to write.

    `adapter` is the name of an adapter that the generator knows, or None for the base model. Temperature 0
    is greedy and deterministic; above it, tokens are drawn from the likeliest that together have the
    probability `top_p`, and the same `seed` draws the same again, as far as a server keeps to it. Writing
    ends at the model's end token, at a `stop` text (not returned), or after `max_new_tokens`. The reply is
    JSON that fits `schema`, a JSON Schema, where a server sees to that. It does not begin as `unlike` does,
    if that is given; see `beginnings`. `reasoning` asks for what a model thinks before it answers as well,
    between <think> and </think>.
    """

    messages: tuple[Message, ...]
    adapter: str | None = None
    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    schema: str = ""
    stop: tuple[str, ...] = ()
    unlike: str = ""
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model in this process may use.

    `context` counts tokens of prompt and answer together, and is never more than the model was made for;
    `prefix_bytes` is the memory for recent prompts, `adapter_bytes` that for recent adapters.
    """

    context: int = 8192
    prefix_bytes: int = 128 * 2**20
    adapter_bytes: int = 256 * 2**20


def beginnings(text: str) -> list[str]:
    """The spellings under which a reply may begin with the first word of `text`.

    A model that may not write "Not" writes "not" or " NOT" instead: other tokens, the same reply. Chinese has
    no blank before it: that is a token by itself, with which anything may begin.
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
    if not 0 <= request.top_p <= 1:
        raise InputError(f"top_p is {request.top_p}.", "Use a number from 0 to 1.")


def estimate_tokens(text: str) -> int:
    """No fewer tokens than common tokenizers make of ordinary text.

    A token for every three letters of a word, every digit, sign, line and Chinese character, and for every
    byte of other scripts. By Gemma's tokenizer that is half too many for English and a quarter for Chinese.
    """
    units = re.findall(r"[A-Za-z]+|\n|[^\sA-Za-z]", text)
    return sum(
        math.ceil(len(unit) / 3) if unit.isascii() else 1 if _IS_CJK.match(unit) else len(unit.encode())
        for unit in units
    )


def finish_of(reason: object) -> Finish | None:
    """What a server's word for the end of a text means; None if it gives none."""
    return _FINISHES.get(str(reason).lower(), "stop") if reason else None


class TokenCounts:
    """Tokens that a generator has read and written since it was made. Safe for many threads.

    "prompt" are those of all prompts, "cached" those of them that were read before and cost nothing,
    "completion" those that were written.
    """

    def __init__(self) -> None:
        self._counts: dict[TokenKind, int] = {"prompt": 0, "cached": 0, "completion": 0}
        self._lock = threading.Lock()

    def add(self, *, prompt: int = 0, cached: int = 0, completion: int = 0) -> None:
        """Count some more."""
        with self._lock:
            self._counts["prompt"] += prompt
            self._counts["cached"] += cached
            self._counts["completion"] += completion

    def totals(self) -> dict[TokenKind, int]:
        """All so far."""
        with self._lock:
            return dict(self._counts)


class Generator(Protocol):
    """Writes text for messages, under a named adapter or none; `tokens` counts what it reads and writes."""

    tokens: TokenCounts

    @property
    def chats(self) -> bool:
        """Whether the model, without an adapter, follows instructions and holds a conversation."""
        ...

    @property
    def context(self) -> int | None:
        """Tokens of prompt and reply together that it takes; None where that is unknown."""
        ...

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """Pieces of text as they are written; their concatenation is the answer. Returns how it ended.

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


@runtime_checkable
class Caching(Protocol):
    """A generator that keeps in memory what later requests may need."""

    def held_bytes(self) -> Mapping[str, int]:
        """Bytes held of each kind: "prompts" that were read, and "adapters"."""
        ...
