"""Messages become token ids, by the model's own chat template where it has one.

Serving, training and evaluation use this one function, so that an adapter is asked what it was taught.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from answering.generation.decoding import THINK
from knowledge_base.errors import InputError, ModelError
from retrieval.prompt import Message, plain_text, reply_separator

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def has_chat_template(folder: Path) -> bool:
    """Whether the model in a folder brings a chat template, without loading anything."""
    if (folder / "chat_template.jinja").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(json.loads(config.read_text(encoding="utf-8")).get("chat_template"))


class Encoder:
    """The tokenizer of one model."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context: int) -> None:
        self._tokenizer = tokenizer
        self.context = context
        self.has_template = tokenizer.chat_template is not None
        self.end: int | None = tokenizer.eos_token_id

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Token ids of the rendered messages, with one beginning-of-sequence token where the model has one.

        Raises InputError if there is nothing to read or no room is left to answer.
        """
        if not any(message.content.strip() for message in messages):
            raise InputError("The prompt is empty.", "Give at least one message with text.")
        ids = self._without_doubled_ends(self._tokenizer(self.render(messages)).input_ids)
        if len(ids) >= self.context:
            raise InputError(
                f"The prompt has {len(ids)} tokens and the model reads at most {self.context - 1}.",
                "Ask a shorter question or pack fewer passages.",
            )
        return tuple(ids)

    def example(self, messages: Sequence[Message], reply: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids of the prompt as `prompt` gives them, and of the reply up to its end token.

        Raises InputError if both together are longer than the context: a reply is never cut.
        """
        if not reply.strip():
            raise InputError("The reply to learn is empty.", "Give a text of at least one token.")
        ids = self.prompt(messages)
        reply_ids = self._reply(messages, reply)
        if len(ids) + len(reply_ids) > self.context:
            raise InputError(
                f"Prompt and reply have {len(ids) + len(reply_ids)} tokens and the model reads at most "
                f"{self.context}.",
                "Pack fewer passages, or leave this one out.",
            )
        return ids, reply_ids

    def text(self, text: str) -> tuple[int, ...]:
        """Ids of plain text as a model reads it: with a beginning-of-sequence token where it has one."""
        ids = list(self._tokenizer(text).input_ids)
        return tuple(ids[:-1] if self._ends_by_itself(ids, self._tokenizer.eos_token_id) else ids)

    def _reply(self, messages: Sequence[Message], reply: str) -> tuple[int, ...]:
        prompt = self.render(messages)
        if not self.has_template:
            written, tail = reply_separator(prompt) + reply, ""
        else:
            whole = self.render((*messages, Message("assistant", reply)), answered=True)
            if not whole.startswith(prompt):
                raise ModelError(
                    "The model's chat template writes a prompt differently once it is answered.",
                    "Correct chat_template in the model's folder, or use another model.",
                )
            written, _, tail = whole[len(prompt) :].partition(reply)
            written += reply
        # What the template writes behind a reply begins with the token that ends it; the rest is never said.
        ids = self._ids(written)
        end = next(iter(self._ids(tail.strip())), self._tokenizer.eos_token_id)
        if end is None:
            raise ModelError("The model has no end token.", "Set eos_token in its tokenizer_config.json.")
        return (*ids, int(end))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def render(self, messages: Sequence[Message], answered: bool = False) -> str:
        """The prompt as text; a chat template's own special tokens are spelled out in it.

        `answered` says that the last message is the reply, so that none is asked for.
        """
        if not self.has_template:
            return plain_text(messages)
        from jinja2 import TemplateError

        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=not answered
            )
            return str(text)
        except TemplateError as error:
            raise ModelError(
                f"The model's chat template does not take these messages: {error}",
                "Use messages in the order that the template wants, or correct chat_template in its folder.",
            ) from error

    def opens_thought(self, messages: Sequence[Message]) -> bool:
        """Whether the template begins the reply with <think> itself, as DeepSeek-R1's does."""
        return self.has_template and self.render(messages).rstrip().endswith(THINK)

    def first_token(self, messages: Sequence[Message], reply: str) -> int:
        """The first token of `reply` behind these messages, the space that a plain prompt needs included."""
        prompt = plain_text(messages)
        between = reply_separator(prompt) if not self.has_template and prompt else ""
        ids = self._tokenizer(between + reply, add_special_tokens=False).input_ids
        if not reply or not ids:
            raise InputError("The continuation to score is empty.", "Give a text of at least one token.")
        return int(ids[0])

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""
        if not texts:
            return []
        return [len(ids) for ids in self._tokenizer(list(texts), add_special_tokens=False).input_ids]

    def decode(self, ids: list[int]) -> str:
        """Text of token ids, without special tokens."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _without_doubled_ends(self, ids: list[int]) -> list[int]:
        """One bos even if template and tokenizer both wrote it, and no eos, which would end the prompt."""
        bos, eos = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        start = 1 if bos is not None and ids[:2] == [bos, bos] else 0
        end = len(ids) - 1 if self._ends_by_itself(ids, eos) else len(ids)
        return ids[start:end]

    def _ends_by_itself(self, ids: list[int], eos: int | None) -> bool:
        return eos is not None and not self.has_template and len(ids) > 1 and ids[-1] == eos
