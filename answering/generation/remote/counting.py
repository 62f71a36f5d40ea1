"""Tokens of a text: by the server's tokenizer where it offers one, else never fewer than there may be."""

import math
import re

from answering.generation.remote.server import Server
from knowledge_base.errors import UnavailableError

_ROUTE = "/tokenize"
# A run of Latin letters, a line's end, or any other visible character by itself.
_UNIT = re.compile(r"[A-Za-z]+|\n|[^\sA-Za-z]")
_LETTERS_A_TOKEN = 3
_HAN = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")


async def token_ids(server: Server, text: str) -> list[int]:
    """Ids of the model's own tokens, without special ones; NotFoundError if the server does not tell.

    The body is understood by vLLM ("prompt") and by llama.cpp ("content") alike.
    """
    if not text:
        return []
    found = await server.post_to_root(
        _ROUTE,
        {
            "model": server.endpoint.model,
            "prompt": text,
            "add_special_tokens": False,
            "content": text,
            "add_special": False,
        },
    )
    tokens = found.get("tokens") if isinstance(found, dict) else None
    if not isinstance(tokens, list):
        raise UnavailableError(
            f"The generator at {server.endpoint.url} answers {_ROUTE} with something else than tokens.",
            "Look at what the server is; vLLM and llama.cpp are known to count tokens.",
        )
    return [int(token) for token in tokens]


def estimated_tokens(text: str) -> int:
    """At least as many tokens as common tokenizers make of ordinary text.

    A token for every three letters of a word, every digit, sign, line and Chinese character, and for every
    byte of other scripts. By Gemma's tokenizer that is half too many for English and a quarter for Chinese.
    """
    return sum(_at_most(unit) for unit in _UNIT.findall(text))


def _at_most(unit: str) -> int:
    if unit.isascii():
        return math.ceil(len(unit) / _LETTERS_A_TOKEN)
    return 1 if _HAN.match(unit) else len(unit.encode())
