"""Plain text learned beside the replies, so that an adapter does not forget how to write anything else.

Mixing ordinary text into what is learned is the oldest remedy against forgetting ("rehearsal", Robins 1995).
The text comes from the documents that are learned from anyway; what is forgotten is measured on other text
(`finetune.evaluation.forgetting`).
"""

import random
from collections.abc import Sequence

from finetune.training.values import Sample
from retrieval.context import CountTokens

# As long as a short reply, so that the text does not outweigh the replies in the loss.
_PIECE_TOKENS = 24


def replay_samples(texts: Sequence[str], count: int, count_tokens: CountTokens, seed: int) -> list[Sample]:
    """Pieces of the texts, `count` of them, each some 24 tokens long; none where there is no text.

    Every piece is a sample without messages: the model reads nothing before it, as in plain text. The seed
    decides which pieces.
    """
    written = [text for text in texts if text.strip()]
    if not written or count < 1:
        return []
    chance = random.Random(seed)
    chosen = chance.choices(written, k=count)
    tokens = count_tokens(chosen)
    pieces = [_piece(text, size, chance) for text, size in zip(chosen, tokens, strict=True)]
    return [Sample((), piece, kind="text") for piece in pieces if piece]


def _piece(text: str, tokens: int, chance: random.Random) -> str:
    length = max(1, round(len(text) * _PIECE_TOKENS / max(1, tokens)))
    start = chance.randrange(max(1, len(text) - length))
    # From the next gap on, where there is one soon: a piece does not begin inside a word.
    gap = text.find(" ", start, start + length)
    return text[gap + 1 if start and gap >= 0 else start :][:length].strip()
