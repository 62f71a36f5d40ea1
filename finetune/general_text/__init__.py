"""Ordinary text in English and Chinese on which an adapter should not get worse.

Written for this project, of several kinds (articles, stories, talk, instructions), about nothing that
adapters are trained on. There are two sets: one on which an adapter is scaled down after training, the other
on which the gate measures it, so that what the gate sees has had no part in how the adapter was made.
"""

from importlib.resources import files
from typing import Literal

from retrieval.prompt import Language

Use = Literal["shrink", "gate"]

_SEPARATOR = "\n---\n"


def general_texts(use: Use, language: Language) -> list[str]:
    """The pieces of one set in one language, about a hundred words each or more."""
    text = (files(__name__) / f"{use}_{language}.txt").read_text(encoding="utf-8")
    return [piece.strip() for piece in text.split(_SEPARATOR)]
