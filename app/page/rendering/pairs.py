"""Pairs to learn from: how many there are, and what became of an uploaded file."""

from collections.abc import Sequence

from app.page.markup import Markup, tag
from app.page.rendering.notices import hint
from app.page.rendering.times import moment
from app.page.texts import Texts
from finetune.pairs.store import GENERATED, StoredFile, Summary
from finetune.pairs.values import Dropped
from finetune.report.words import WORDS, sentence_of

_ROWS = 200


def counts(files: Sequence[StoredFile], feedback: int, collection: str, texts: Texts) -> Markup:
    """How many pairs are there, by where they come from, and the stored files, which can be removed."""
    generated = sum(file.pairs for file in files if file.name == GENERATED)
    stored = sum(file.pairs + file.tasks for file in files) - generated
    numbers = {texts.pairs_stored: stored, texts.pairs_feedback: feedback, texts.pairs_generated: generated}
    shown = [tag("div", tag("dt", name), tag("dd", f"{number:,}")) for name, number in numbers.items()]
    listed = [_file(file, collection, texts) for file in files]
    return tag("dl", *shown, cls="dq-numbers") + (
        tag("ul", *listed, cls="dq-files") if listed else Markup("")
    )


def _file(file: StoredFile, collection: str, texts: Texts) -> Markup:
    told = [texts.pairs_of.format(n=file.pairs + file.tasks)]
    if file.imported:
        told.append(moment(file.imported))
    remove = tag(
        "button",
        texts.pairs_remove,
        cls="dq-small-button",
        type="button",
        data_event="remove",
        data_pairs=file.name,
        data_collection=collection,
        aria_label=f"{texts.pairs_remove} {file.name}",
    )
    place = tag("i", file.source, title=file.source) if file.source else ""
    return tag("li", tag("div", tag("b", file.name), tag("span", " · ".join(told)), place), remove)


def imported(summaries: Sequence[Summary], texts: Texts) -> Markup:
    """What was kept of each file, and every pair that was dropped with its reason."""
    lines = [tag("p", _line(summary, texts), cls="dq-summary") for summary in summaries]
    dropped = [entry for summary in summaries for entry in summary.dropped]
    return tag("div", *lines, _dropped(dropped, texts), role="status")


def _line(summary: Summary, texts: Texts) -> str:
    return texts.pairs_kept.format(
        name=summary.file.name,
        pairs=summary.file.pairs,
        tasks=summary.file.tasks,
        dropped=len(summary.dropped),
    )


def _dropped(entries: Sequence[Dropped], texts: Texts) -> Markup:
    if not entries:
        return Markup("")
    titles = (texts.dropped_place, texts.dropped_question, texts.dropped_reason)
    head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in titles]))
    rows = [
        tag(
            "tr",
            tag("td", entry.origin or entry.id, cls="dq-num"),
            tag("td", entry.question),
            tag("td", sentence_of(entry.reason, WORDS[texts.language])),
        )
        for entry in entries[:_ROWS]
    ]
    more = hint(texts.showing.format(shown=_ROWS, total=len(entries))) if len(entries) > _ROWS else ""
    return tag("table", head, tag("tbody", *rows), cls="dq-table dq-dropped") + more
