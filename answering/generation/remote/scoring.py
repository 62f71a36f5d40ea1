"""How likely a reply begins with a text, from the likeliest first tokens that a server lists."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# As many as OpenAI's protocol allows.
LISTED = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A first token that the model might have written, with its log-probability."""

    text: str
    logprob: float


def first_tokens(completion: object) -> list[Listed]:
    """The listed first tokens of a chat completion with `top_logprobs`; none if the server gives none."""
    try:
        first = completion["choices"][0]["logprobs"]["content"][0]  # type: ignore[index]
        return [Listed(str(entry["token"]), float(entry["logprob"])) for entry in first["top_logprobs"]]
    except (LookupError, TypeError, ValueError):
        return []


def begins_with(continuation: str, listed: Iterable[Listed]) -> float:
    """Log-probability that a reply begins with the first token of `continuation`.

    That token is the longest listed one that the continuation begins with and that does not end inside a word
    of Latin letters ("No" is not the beginning of "Not"); a space before it makes no difference. If none is
    listed, the result is the highest value that it can have: no more than the least likely of those listed,
    and than what these leave.
    """
    entries = list(listed)
    fitting = [entry for entry in entries if _is_beginning(entry.text.strip(), continuation.strip())]
    if not fitting:
        return _most_left([entry.logprob for entry in entries])
    longest = max(len(entry.text.strip()) for entry in fitting)
    return min(_log_of_sum(entry.logprob for entry in fitting if len(entry.text.strip()) == longest), 0.0)


def _is_beginning(token: str, text: str) -> bool:
    if not token or not text.startswith(token):
        return False
    inside = text[len(token) - 1 : len(token) + 1]
    return not (len(inside) == len("ab") and inside.isascii() and inside.isalpha())


def _most_left(logprobs: list[float]) -> float:
    rest = 1.0 - sum(math.exp(logprob) for logprob in logprobs)
    least = min(logprobs, default=0.0)
    return min(least, math.log(rest)) if rest > 0 else least


def _log_of_sum(logprobs: Iterable[float]) -> float:
    return math.log(sum(math.exp(logprob) for logprob in logprobs))
