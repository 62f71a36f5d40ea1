"""KL regularization on plain text, so that an adapter forgets less.

After "Learning without Forgetting" (Li and Hoiem 2016): besides the loss of the replies, the KL divergence of
the adapted model from the base on plain text is kept small. The text comes from the documents of the training
pairs; forgetting is measured on other text (`finetune.general_text`).
"""

import random
from collections.abc import Sequence

import torch
from peft import PeftModel
from torch.nn import functional

from answering.generation.encoding import Encoder
from finetune.training.packing import Tokens

# Tokens of a piece: some sentences, since what is forgotten shows only where much was read before; equal
# lengths make a batch without masks.
PIECE = 96
_WINDOW = 600  # characters that hold so many tokens in any language


def pieces_of(texts: Sequence[str], encoder: Encoder, count: int, seed: int) -> tuple[Tokens, ...]:
    """Up to `count` pieces from anywhere in the texts, of exactly 96 tokens each; the seed decides."""
    written = [text for text in texts if text.strip()]
    if not written:
        return ()
    chance = random.Random(seed)
    pieces = [_piece(text, encoder, chance) for text in chance.choices(written, k=count)]
    return tuple(piece for piece in pieces if len(piece) == PIECE)


def _piece(text: str, encoder: Encoder, chance: random.Random) -> Tokens:
    start = chance.randrange(max(1, len(text) - _WINDOW))
    return encoder.text(text[start : start + _WINDOW])[:PIECE]


def divergence(model: PeftModel, pieces: Sequence[Tokens]) -> torch.Tensor:
    """KL(base ‖ adapted) over the vocabulary, summed over all predictions of the pieces, in nats: a scalar.

    `pieces` are equally long, [pieces, tokens].
    """
    ids = torch.tensor(pieces, device=model.device)
    with torch.no_grad(), model.disable_adapter():
        kept = functional.log_softmax(model(input_ids=ids, use_cache=False).logits.float(), dim=-1)
    now = functional.log_softmax(model(input_ids=ids, use_cache=False).logits.float(), dim=-1)
    return functional.kl_div(now, kept, reduction="sum", log_target=True)
