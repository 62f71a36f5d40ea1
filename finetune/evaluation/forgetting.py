"""How much an adapter forgets: the rise of the mean token loss on general text.

After PEFT's method comparison, which takes the rise of the loss on Wikipedia.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from finetune.general_text import general_texts
from knowledge_base.errors import InputError, MismatchError
from retrieval.prompt import LANGUAGES, Language

# The sum of the losses in nats over all predicted tokens of the texts, and how many these are.
Loss = Callable[[Sequence[str]], tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean loss of the base and of the candidate in nats per token, over `tokens` tokens."""

    base: float
    candidate: float
    tokens: int

    @property
    def rise(self) -> float:
        """How much more the candidate loses; negative if it gained."""
        return self.candidate - self.base


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The losses in each language, and over all tokens."""

    by_language: Mapping[Language, Losses]

    @property
    def overall(self) -> Losses:
        """Both languages together, each token counted once."""
        parts = self.by_language.values()
        tokens = sum(part.tokens for part in parts)
        base = sum(part.base * part.tokens for part in parts) / tokens
        return Losses(base, sum(part.candidate * part.tokens for part in parts) / tokens, tokens)

    @property
    def rise(self) -> float:
        """The rise over all tokens, which the gate limits."""
        return self.overall.rise


def measure_forgetting(base: Loss, candidate: Loss) -> Forgetting:
    """The losses of both on the general text.

    Raises:
        MismatchError: if they cut it into different numbers of tokens.
        InputError: if they cut it into none.
    """
    return Forgetting({language: _losses(base, candidate, language) for language in LANGUAGES})


def _losses(base: Loss, candidate: Loss, language: Language) -> Losses:
    texts = general_texts("gate", language)
    (before, tokens), (after, others) = base(texts), candidate(texts)
    if tokens != others:
        raise MismatchError(
            f"The base cuts the general text into {tokens} tokens, the candidate into {others}.",
            "Compare a candidate with the base that it was trained on.",
        )
    if tokens <= 0:
        raise InputError("The general text has no tokens to predict.", "Give a loss that reads the texts.")
    return Losses(before / tokens, after / tokens, tokens)
