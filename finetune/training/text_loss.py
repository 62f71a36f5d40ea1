"""How well a model predicts ordinary text, with and without an adapter."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import AutoTokenizer

from answering.generation.encoding import Encoder
from finetune.training.network import load_base
from finetune.training.values import Base


@torch.no_grad()
def text_loss(model: PeftModel, encoder: Encoder, texts: Sequence[str]) -> tuple[float, int]:
    """Sum of the nats of all tokens but the first of each text, and how many they are."""
    nats, tokens = 0.0, 0
    for text in texts:
        ids = torch.tensor([encoder.text(text)[: encoder.context]], device=model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
        nats += float(functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
        tokens += ids.shape[1] - 1
    return nats, tokens


class TextLosses:
    """Losses of one base and one adapter on it, loaded once."""

    def __init__(self, base: Base, adapter: Path) -> None:
        tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
        self._encoder = Encoder(tokenizer, base.context)
        network = load_base(base.folder, base.device)
        self._model = PeftModel.from_pretrained(network, str(adapter)).train(False)

    def of_base(self, texts: Sequence[str]) -> tuple[float, int]:
        """As `text_loss`, without the adapter."""
        return self._losses(texts, plain=True)

    def of_adapted(self, texts: Sequence[str]) -> tuple[float, int]:
        """The same with the adapter."""
        return self._losses(texts, plain=False)

    def _losses(self, texts: Sequence[str], plain: bool) -> tuple[float, int]:
        with self._model.disable_adapter() if plain else nullcontext():
            return text_loss(self._model, self._encoder, texts)
