"""How well a base model still predicts ordinary text, with and without an adapter."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import AutoTokenizer

from finetune.training.network import load_base
from finetune.training.train import Base


class TextLosses:
    """Losses of one base and one adapter on it, loaded once."""

    def __init__(self, base: Base, adapter: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
        network = load_base(base.folder, base.device)
        self._model = PeftModel.from_pretrained(network, str(adapter)).train(False)

    def of_base(self, texts: Sequence[str]) -> tuple[float, int]:
        """Sum of the nats of all tokens but the first of each text, and how many they are."""
        return self._losses(texts, plain=True)

    def of_adapted(self, texts: Sequence[str]) -> tuple[float, int]:
        """The same with the adapter."""
        return self._losses(texts, plain=False)

    @torch.no_grad()
    def _losses(self, texts: Sequence[str], plain: bool) -> tuple[float, int]:
        nats, tokens = 0.0, 0
        with self._model.disable_adapter() if plain else nullcontext():
            for text in texts:
                ids = torch.tensor([self._tokenizer(text).input_ids], device=self._model.device)
                logits = self._model(input_ids=ids, use_cache=False).logits[0, :-1].float()
                nats += float(functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
                tokens += ids.shape[1] - 1
        return nats, tokens
