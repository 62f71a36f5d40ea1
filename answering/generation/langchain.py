"""A generator behind LangChain: "langchain:PROVIDER:MODEL" reaches every provider of `init_chat_model`.

The provider's own package, such as langchain-anthropic, is installed by the user, and finds its credentials
as it always does. The model has no adapters, and its tokens are estimated.
"""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from answering.generation.decoding import Chunk, write
from answering.generation.portal import each
from answering.generation.protocol import (
    Cancelled,
    Pieces,
    Request,
    TokenCounts,
    check_request,
    estimate_tokens,
    finish_of,
    never,
)
from knowledge_base.errors import InputError, NotFoundError, SettingsError, UnavailableError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

# Providers whose word for the limit of tokens is not max_tokens.
_LIMITS = {"ollama": "num_predict"}
# Providers whose models take a seed; the others would refuse it or warn.
_SEEDED = frozenset({"openai", "azure_openai", "ollama", "deepseek", "xai"})
# Where providers say why a text ended.
_ENDINGS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_LONGEST_QUOTE = 300
_SECRET = re.compile(r"\b(?:sk|pk|gsk|key|AKIA|AIza)[-_A-Za-z0-9]{8,}")
_REFUSES_REQUEST = frozenset({400, 413, 422})
_REFUSES_KEY = frozenset({401, 403})


def open_langchain(name: str, **options: object) -> "LangChainGenerator":
    """The generator "PROVIDER:MODEL"; `options` such as base_url go to `init_chat_model`.

    Raises SettingsError for a name of another form, a provider that LangChain does not know, or one whose
    package is missing or cannot be set up.
    """
    provider, colon, model = name.partition(":")
    if not (provider and colon and model):
        raise SettingsError(
            f'The generator "langchain:{name}" names no provider and model.',
            "Write langchain:PROVIDER:MODEL, such as langchain:ollama:qwen3:8b.",
        )
    generator = LangChainGenerator(provider, model, options)
    generator.model(1, 0.0)  # whatever is missing is said at once
    return generator


class LangChainGenerator:
    """Generator over a chat model of LangChain."""

    chats = True
    context: int | None = None

    def __init__(self, provider: str, model: str, options: Mapping[str, object]) -> None:
        self.tokens = TokenCounts()
        self.name = f"{provider}:{model}"
        self._provider = provider
        self._model = model
        self._options = dict(options)
        self.model = lru_cache(8)(self._new_model)

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """See `Generator.stream`; UnavailableError if the provider does not answer or breaks off."""
        check_request(request)
        if request.adapter is not None:
            raise NotFoundError(
                f'The generator at {self.name} serves no adapter named "{request.adapter}".',
                "Ask the base model, or use a generator in this process or at vLLM.",
            )
        if not any(message.content.strip() for message in request.messages):
            raise InputError("The prompt is empty.", "Give at least one message with text.")
        return self._write(request, cancelled)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`; estimated, rather too high."""
        return [estimate_tokens(text) for text in texts]

    def describe(self) -> str:
        """What answers, for `doctor`."""
        return f"{self.name} through LangChain; tokens are estimated"

    def _new_model(
        self, max_new_tokens: int, temperature: float, top_p: float = 1.0, seed: int | None = None
    ) -> "BaseChatModel":
        from langchain.chat_models import init_chat_model

        limit = _LIMITS.get(self._provider, "max_tokens")
        options: dict[str, Any] = {"temperature": temperature, limit: max_new_tokens, **self._options}
        options |= {"top_p": top_p} if top_p < 1 else {}
        options |= {"seed": seed} if seed is not None and self._provider in _SEEDED else {}
        try:
            model: BaseChatModel = init_chat_model(self._model, model_provider=self._provider, **options)
        # With langchain-community installed, a provider's missing package is an attribute that is not there.
        except (ImportError, AttributeError) as error:
            package = re.search(r"pip install [`\"']?([\w.\[\]-]+)", str(error))
            needed = package[1].rstrip("`.") if package else f"langchain-{self._provider}"
            raise SettingsError(
                f"The generator langchain:{self.name} needs a package that is not installed: {needed}.",
                f"Install it: pip install '{needed}'.",
            ) from error
        except Exception as error:
            raise SettingsError(
                f"The generator langchain:{self.name} cannot be set up: {_quote(error)}",
                "Correct generator in the settings, or give the provider's credentials.",
            ) from error
        return model

    def _write(self, request: Request, cancelled: Cancelled) -> Pieces:
        if cancelled():
            return None
        return (yield from write(each(self._chunks(request), cancelled), request, cancelled))

    async def _chunks(self, request: Request) -> AsyncGenerator[Chunk]:
        """What the provider streams."""
        model = self.model(request.max_new_tokens, request.temperature, request.top_p, request.seed)
        messages = [(message.role, message.content) for message in request.messages]
        stop = [text for text in request.stop if text] or None
        try:
            async for chunk in model.astream(messages, stop=stop):
                self._count(chunk)
                blocks = chunk.content_blocks
                text = "".join(str(block["text"]) for block in blocks if block["type"] == "text")
                thought = "".join(
                    str(block.get("reasoning", "")) for block in blocks if block["type"] == "reasoning"
                )
                found = chunk.response_metadata
                ended = next((found[key] for key in _ENDINGS if found.get(key)), None)
                yield Chunk(text, thought, finish_of(ended))
        except Exception as error:
            raise self._translated(error) from error

    def _count(self, chunk: "AIMessageChunk") -> None:
        if usage := chunk.usage_metadata:
            cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
            self.tokens.add(prompt=usage["input_tokens"], cached=cached, completion=usage["output_tokens"])

    def _translated(self, error: Exception) -> Exception:
        """An error of any provider's package as one of ours, by its HTTP status where it has one."""
        code = getattr(error, "status_code", None) or getattr(error, "code", None)
        if code in _REFUSES_REQUEST:
            return InputError(
                f"The generator at {self.name} rejects the request: {_quote(error)}",
                "If it is about tokens, ask a shorter question or read fewer passages.",
            )
        if code in _REFUSES_KEY:
            return UnavailableError(
                f"The generator at {self.name} refuses the key (status {code}).",
                "Give the provider's credentials, or set generator_api_key in the settings.",
            )
        return UnavailableError(
            f"The generator at {self.name} failed: {_quote(error)}",
            "Ask again; if it happens again, check what the provider reports.",
        )


def _quote(error: Exception) -> str:
    """An error's message, fit to be shown: one short line without keys."""
    line = re.sub(r"\s+", " ", _SECRET.sub("***", str(error) or type(error).__name__)).strip()
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"
