"""Messages become token ids, by the model's own chat template where it has one."""

from collections.abc import Sequence

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from knowledge_base.errors import InputError, ModelError
from retrieval.prompt import Message, plain_text, reply_separator


class Encoder:
    """The tokenizer of one model."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context: int) -> None:
        self._tokenizer = tokenizer
        self.context = context

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

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt as text; a chat template's own special tokens are spelled out in it."""
        if self._tokenizer.chat_template is None:
            return plain_text(messages)
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise ModelError(
                f"The model's chat template does not take these messages: {error}",
                "Use messages in the order that the template wants, or mend chat_template in its folder.",
            ) from error

    def first_token(self, messages: Sequence[Message], reply: str) -> int:
        """The first token of `reply` behind these messages, the space that a plain prompt needs included."""
        prompt = plain_text(messages)
        between = reply_separator(prompt) if self._tokenizer.chat_template is None and prompt else ""
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
        return eos is not None and self._tokenizer.chat_template is None and len(ids) > 1 and ids[-1] == eos
