"""How long an answer to a person is."""

from answering.references import BASE
from retrieval.prompt import Style


def style_of(adapter: str) -> Style | None:
    """Adapters learn to answer in full sentences; the base model follows its examples, in a few words."""
    return None if adapter == BASE else "sentence"
