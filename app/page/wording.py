"""Components whose words depend on the language, so that one switch changes them all."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gradio as gr
from gradio.blocks import Block

from app.page.texts import Texts

B = TypeVar("B", bound=Block)
Words = Callable[[Texts], dict[str, Any]]
Updates = dict[Block, Any]
Values = dict[Block, Any]


class Wording:
    """Makes components in one language and puts them into another."""

    def __init__(self, initial: Texts) -> None:
        self.initial = initial
        self._entries: list[tuple[Block, Words]] = []

    def make(self, kind: Callable[..., B], words: Words, **options: Any) -> B:  # noqa: ANN401
        """A component whose arguments in `words` follow the language and whose `options` do not."""
        component = kind(**words(self.initial), **options)
        self._entries.append((component, words))
        return component

    @property
    def components(self) -> list[Block]:
        """Everything that changes with the language."""
        return [component for component, _ in self._entries]

    def updates(self, texts: Texts) -> Updates:
        """What Gradio needs to put everything into a language."""
        return {component: gr.update(**words(texts)) for component, words in self._entries}


def merged(first: Updates, second: Updates) -> Updates:
    """Both updates; where both change one component, their properties together, those of `second` winning."""
    both = {
        part: {**first[part], **second[part]}
        for part in first.keys() & second.keys()
        if _partial(second[part])
    }
    return {**first, **second, **both}


def unique(components: Sequence[Block]) -> list[Block]:
    """Each component once, in order."""
    return list(dict.fromkeys(components))


def _partial(update: object) -> bool:
    """Whether an update sets some properties (`gr.update`) rather than the value."""
    return isinstance(update, dict) and update.get("__type__") == "update"


def written(values: Values, field: Block) -> str:
    """The text in a field; an untouched one gives no text at all."""
    return values[field] or ""
