"""What a server says it has read and written: `usage` in OpenAI's protocol."""

from answering.generation.tokens import TokenCounts


def note_usage(answer: object, tokens: TokenCounts) -> None:
    """Add the usage that an answer, or the last chunk of one, tells; many tell none."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if isinstance(usage, dict):
        details = usage.get("prompt_tokens_details")
        tokens.add(
            prompt=_number(usage.get("prompt_tokens")),
            cached=_number(details.get("cached_tokens")) if isinstance(details, dict) else 0,
            completion=_number(usage.get("completion_tokens")),
        )


def _number(told: object) -> int:
    return told if isinstance(told, int) and told > 0 else 0
