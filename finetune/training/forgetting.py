"""What keeps an adapter from forgetting: KL regularization while it trains, and scaling afterwards.

After "Learning without Forgetting" (Li and Hoiem 2016): besides the loss of the replies, the KL divergence of
the adapted model from the base on plain text is kept small. The text comes from the documents of the training
pairs. What an adapter changes is linear in its scale, what it forgets grows about with the square, so a
little less of it costs much less. The scale is chosen on other text (`finetune.general_text`) than the gate
measures.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedModel

from answering.generation.encoding import Encoder
from finetune.training.checkpoint import trained_parameters
from finetune.training.network import load_base
from finetune.training.packing import Tokens
from finetune.training.values import Base
from finetune.training.vocabulary import last_states, nats_of, summed

# Tokens of a piece: some sentences, since what is forgotten shows only where much was read before; equal
# lengths make a batch without masks.
PIECE = 96
_WINDOW = 600  # characters that have this many tokens in any language


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


def divergence(model: PeftModel, network: PreTrainedModel, pieces: Sequence[Tokens]) -> torch.Tensor:
    """KL(base ‖ adapted) over the vocabulary, summed over all predictions of the pieces, in nats: a scalar.

    `pieces` are equally long, [pieces, tokens]; `network` is the base with the adapter in it.
    """
    ids = torch.tensor(pieces, device=network.device)
    with torch.no_grad(), model.disable_adapter():
        base, head = last_states(network, input_ids=ids)
    states, _ = last_states(network, input_ids=ids)

    def loss(logits: torch.Tensor, rows: slice) -> torch.Tensor:
        kept = functional.log_softmax(head(base[rows]).float(), dim=-1)
        now = functional.log_softmax(logits, dim=-1)
        return functional.kl_div(now, kept, reduction="sum", log_target=True)

    return summed(states, head, loss)


_SCALES = tuple(tenth / 10 for tenth in range(10, 2, -1))


def scale_down(model: PeftModel, loss: Callable[[], tuple[float, int]], limit: float) -> float:
    """The largest scale of 1.0, 0.9 … 0.3 at which the loss rises within `limit`; the weights get it.

    Args:
        model: base and adapter, not in training.
        loss: what the model, as it is when this is called, loses on general text: the sum in nats over all
            predicted tokens, and how many they are.
        limit: nats a token by which it may lose more than the base. Where even 0.3 is too much, 0.3 it is:
            the gate will judge.
    """
    parts = {name: value for name, value in trained_parameters(model).items() if "lora_B" in name}
    whole = {name: value.detach().clone() for name, value in parts.items()}
    with model.disable_adapter():
        base, tokens = loss()

    @torch.no_grad()
    def scale_to(scale: float) -> None:
        for name, value in parts.items():
            value.copy_(whole[name] * scale)

    def fits(scale: float) -> bool:
        scale_to(scale)
        return loss()[0] - base <= limit * tokens

    place = min(bisect_left(_SCALES, True, key=fits), len(_SCALES) - 1)
    scale_to(_SCALES[place])
    return _SCALES[place]


@torch.no_grad()
def text_loss(network: PreTrainedModel, encoder: Encoder, texts: Sequence[str]) -> tuple[float, int]:
    """Sum of the nats of all tokens but the first of each text, and how many they are."""
    nats, tokens = 0.0, 0
    for text in texts:
        ids = torch.tensor([encoder.text(text)[: encoder.context]], device=network.device)
        states, head = last_states(network, input_ids=ids)
        nats += float(summed(states[:-1], head, nats_of(ids[0, 1:])))
        tokens += ids.shape[1] - 1
    return nats, tokens


class TextLosses:
    """Losses of one base and one adapter on it, loaded once."""

    def __init__(self, base: Base, adapter: Path) -> None:
        tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
        self._encoder = Encoder(tokenizer, base.context)
        self._network = load_base(base.folder, base.device)
        self._model = PeftModel.from_pretrained(self._network, str(adapter)).train(False)

    def of_base(self, texts: Sequence[str]) -> tuple[float, int]:
        """As `text_loss`, without the adapter."""
        return self._losses(texts, plain=True)

    def of_adapted(self, texts: Sequence[str]) -> tuple[float, int]:
        """The same with the adapter."""
        return self._losses(texts, plain=False)

    def _losses(self, texts: Sequence[str], plain: bool) -> tuple[float, int]:
        with self._model.disable_adapter() if plain else nullcontext():
            return text_loss(self._network, self._encoder, texts)
