"""Shows an answer in the terminal: its text while it is written, then numbered citations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from answering.values import Answer, Finished, Piece, Searched
from app.cli.output import plain

if TYPE_CHECKING:
    from answering.values import Event


def stream_answer(ask: Callable[[], Iterable[Event]], out: Console) -> None:
    """Show the pieces as they come; the finished answer takes their place.

    Models are loaded within `ask`, which may take a while.
    """
    written = ""
    with Live(Text("Loading models and searching …", "dim"), console=out, transient=True) as live:
        for event in ask():
            if isinstance(event, Searched):
                live.update(Text(f"Reading {len(event.ranked)} passages …", "dim"))
            elif isinstance(event, Piece):
                written += event.text
                live.update(plain(written))
            elif isinstance(event, Finished):
                live.stop()
                show_answer(event.answer, out)


def show_answer(answer: Answer, out: Console) -> None:
    """The text with its citation numbers, and below it where each stands; a refusal's text has it all."""
    out.print(marked(answer))
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        out.print()
        out.print(Text(f"[{citation.number}] ", "bold").append_text(plain(f"{citation.document}{page}")))
        out.print(plain(f"“{citation.quote.strip()}”"), style="dim")


def marked(answer: Answer) -> Text:
    """The answer's text with [1] behind each sentence that is supported, and a note behind the others."""
    shown = Text()
    position = 0
    for sentence in answer.sentences:
        end = answer.text.index(sentence.text, position) + len(sentence.text)
        shown.append_text(plain(answer.text[position:end]))
        if sentence.supported:
            shown.append("".join(f" [{number}]" for number in sentence.citations), "bold cyan")
        elif not answer.refused:
            shown.append(" [not supported by the documents]", "yellow")
        position = end
    return shown.append_text(plain(answer.text[position:]))
