"""Shows an answer in the terminal: its text while it is written, then numbered citations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from app.cli.output import plain

if TYPE_CHECKING:
    from answering.values import Sentence
    from app.cli.calls import Reply
    from app.cli.remote import Hear
    from app.schema import Answer


def show_answer(ask: Callable[[Hear], Reply], out: Console) -> None:
    """The answer with numbered citations; `ask` is the operation, which tells its news.

    A refusal's text has it all. Where citations stand is shown below the text.
    """
    answer, sentences = _streamed(ask, out) if out.is_terminal else _heard(ask, lambda _: None)
    out.print(marked(answer, sentences))
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        out.print()
        out.print(Text(f"[{citation.number}] ", "bold").append_text(plain(f"{citation.document}{page}")))
        out.print(plain(f"“{citation.quote.strip()}”"), style="dim")


def marked(answer: Answer, sentences: Sequence[Sentence]) -> Text:
    """The answer's text with [1] behind each sentence that is supported, and a note behind the others."""
    shown = Text()
    position = 0
    for sentence in sentences:
        end = answer.text.index(sentence.text, position) + len(sentence.text)
        shown.append_text(plain(answer.text[position:end]))
        if sentence.citations:
            shown.append("".join(f" [{number}]" for number in sentence.citations), "bold cyan")
        elif not answer.refused:
            shown.append(" [not supported by the documents]", "yellow")
        position = end
    return shown.append_text(plain(answer.text[position:]))


def _heard(ask: Callable[[Hear], Reply], show: Callable[[Text], None]) -> tuple[Answer, list[Sentence]]:
    """The answer and its sentences; `show` takes what is known before."""
    sentences: list[Sentence] = []
    written = Text()

    def hear(kind: str, value: Any) -> None:  # noqa: ANN401 - each kind has its own
        if kind == "sentences":
            sentences.extend(value)
        elif kind == "searched":
            show(Text(f"Reading {value} passages …", "dim"))
        elif kind == "piece":
            show(written.append_text(plain(value)))

    return ask(hear).value, sentences


def _streamed(ask: Callable[[Hear], Reply], out: Console) -> tuple[Answer, list[Sentence]]:
    """The same, with the pieces on the terminal as they come; models may be loaded before the first."""
    from rich.live import Live

    with Live(Text("Loading models and searching …", "dim"), console=out, transient=True) as live:
        return _heard(ask, live.update)
