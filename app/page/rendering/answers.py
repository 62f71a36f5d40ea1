"""Questions and answers: sentences with their citations, sources, confidence, refusals."""

from collections.abc import Iterator, Sequence

from answering.values import Citation, Sentence
from app.page.exchanges import Arriving, Exchange, Shown
from app.page.markup import Markup, icon, join, tag
from app.page.rendering.notices import hint
from app.page.rendering.prose import Span, prose
from app.page.texts import EN, ZH, Texts

_LONGEST_QUESTION = 600  # characters of a question that are shown


def conversation(exchanges: Sequence[Exchange], texts: Texts) -> Markup:
    """All finished exchanges, oldest first; only the last one can be answered again."""
    last = len(exchanges) - 1
    return join(_exchange(entry, texts, place == last) for place, entry in enumerate(exchanges))


def welcome(texts: Texts, documents: int) -> Markup:
    """What stands in place of a conversation: examples in both languages, the page's own first."""
    other = EN if texts is ZH else ZH
    examples = [_example(text, kind.language) for kind in (texts, other) for text in kind.examples]
    return tag(
        "div",
        tag("h2", texts.welcome),
        tag("p", texts.welcome_hint if documents else texts.no_documents),
        tag("div", *examples, cls="dq-examples") if documents else "",
        cls="dq-welcome",
    )


def arriving(question: str, collection: str, answers: Sequence[Arriving], texts: Texts) -> Markup:
    """An exchange while it is being made."""
    columns = [
        _answer(a.shown(), collection, texts, "") if a.answer else _incoming(a, texts) for a in answers
    ]
    return _frame(question, columns, texts)


def _exchange(exchange: Exchange, texts: Texts, is_last: bool) -> Markup:
    again = _action("again", "again", texts.regenerate) if is_last else ""
    columns = [_answer(answer, exchange.collection, texts, again) for answer in exchange.answers]
    return _frame(exchange.question, columns, texts)


def _frame(question: str, columns: Sequence[Markup], texts: Texts) -> Markup:
    asked = question if len(question) <= _LONGEST_QUESTION else question[:_LONGEST_QUESTION] + "…"
    return tag(
        "section",
        tag("div", asked, cls="dq-asked", aria_label=texts.you),
        tag("div", *columns, cls="dq-columns", data_columns=len(columns)),
        cls="dq-exchange",
    )


def _example(text: str, language: str) -> Markup:
    return tag(
        "button", text, cls="dq-example", data_event="example", data_text=text, lang=language, type="button"
    )


def _incoming(answer: Arriving, texts: Texts) -> Markup:
    stages = {
        "waiting": texts.waiting,
        "searching": texts.searching,
        "reading": texts.reading.format(n=answer.passages),
    }
    if answer.stage == "writing":
        body = tag("div", answer.text, cls="dq-text dq-writing")
    else:
        others = tag("small", texts.others.format(n=answer.others)) if answer.others else ""
        body = tag("div", tag("span", cls="dq-spinner"), stages[answer.stage], others, cls="dq-stage")
    return tag("article", _badge(answer.adapter), body, cls="dq-answer", aria_busy="true")


def _answer(answer: Shown, collection: str, texts: Texts, again: str) -> Markup:
    if answer.stopped:
        body = tag("div", answer.text, cls="dq-text") + tag("p", texts.stopped, cls="dq-stopped")
        return tag(
            "article", _badge(answer.adapter), body, tag("div", again, cls="dq-actions"), cls="dq-answer"
        )
    match answer.outcome:
        case "not_found":
            body = _refusal(answer, collection, texts)
        case "chat":
            body = tag("div", prose([Span("", answer.text, cls="")]), cls="dq-text")
        case "related":
            head = tag("p", icon("search"), texts.related, cls="dq-refusal-head")
            body = head + _supported(answer, collection, texts)
        case _:
            body = _supported(answer, collection, texts)
    return tag(
        "article",
        _badge(answer.adapter, texts.reads_freely if answer.profile == "free" else ""),
        body,
        tag("footer", _confidence(answer, texts), _actions(answer, texts, again), cls="dq-foot"),
        cls=f"dq-answer dq-{answer.outcome} dq-refused" if answer.refused else "dq-answer",
    )


def _badge(adapter: str, reading: str = "") -> Markup:
    return tag("span", f"{adapter} · {reading}" if reading else adapter, cls="dq-badge")


def _supported(answer: Shown, collection: str, texts: Texts) -> Markup:
    by_number = {citation.number: citation for citation in answer.citations}
    spans = [_span(*part, by_number, collection, texts) for part in _parts(answer)]
    sources = [_source(citation, collection, texts) for citation in answer.citations]
    return tag("div", prose(spans), cls="dq-text") + (
        tag("div", tag("h3", texts.sources), tag("ol", *sources), cls="dq-sources") if sources else Markup("")
    )


def _parts(answer: Shown) -> Iterator[tuple[str, Sentence | None]]:
    """Each sentence with the text before it, so that lines stay as written; last, the text after them."""
    place = 0
    for sentence in answer.sentences:
        found = answer.text.find(sentence.text, place)
        if found < 0:
            yield " ", sentence
            continue
        yield answer.text[place:found], sentence
        place = found + len(sentence.text)
    if not answer.sentences:
        yield "", Sentence(answer.text, ())
    elif rest := answer.text[place:]:
        yield rest, None


def _span(
    before: str, sentence: Sentence | None, by_number: dict[int, Citation], collection: str, texts: Texts
) -> Span:
    if sentence is None:
        return Span("", before, cls="")
    cited = [by_number[number] for number in sentence.citations if number in by_number]
    if not cited:
        flag = tag("span", texts.unsupported, cls="dq-flag")
        return Span(before, sentence.text, flag, "dq-unsupported", texts.unsupported_hint)
    return Span(before, sentence.text, join(_chip(citation, collection, texts) for citation in cited))


def _chip(citation: Citation, collection: str, texts: Texts) -> Markup:
    label = f"{texts.sources} {citation.number}: {_name(citation)}"
    return tag(
        "button",
        str(citation.number),
        cls="dq-chip",
        title=_name(citation),
        aria_label=label,
        type="button",
        **_where(citation, collection),
    )


def _source(citation: Citation, collection: str, texts: Texts) -> Markup:
    page = texts.page.format(n=citation.page) if citation.page is not None else ""
    return tag(
        "li",
        tag(
            "button",
            tag("span", str(citation.number), cls="dq-number"),
            tag("span", tag("b", _name(citation)), tag("i", page) if page else "", cls="dq-source-name"),
            tag("span", citation.quote, cls="dq-quote"),
            cls="dq-source",
            type="button",
            **_where(citation, collection),
        ),
    )


def _where(citation: Citation, collection: str) -> dict[str, str | int]:
    return {
        "data_event": "open",
        "data_collection": collection,
        "data_document": citation.document,
        "data_start": citation.start,
        "data_end": citation.end,
    }


def _name(citation: Citation) -> str:
    return citation.title or citation.document


def _refusal(answer: Shown, collection: str, texts: Texts) -> Markup:
    documents = [
        tag(
            "button",
            icon("document"),
            path,
            cls="dq-nearest",
            type="button",
            data_event="open",
            data_collection=collection,
            data_document=path,
        )
        for path in answer.nearest
    ]
    nearest = tag("div", tag("h3", texts.nearest), *documents, cls="dq-nearest-list") if documents else ""
    return tag("p", icon("search"), texts.refused, cls="dq-refusal-head") + join(
        [tag("div", answer.text, cls="dq-text"), nearest]
    )


def _confidence(answer: Shown, texts: Texts) -> Markup:
    """How sure the model is that the passages hold the answer, where it read them, and the time."""
    seconds = tag("span", texts.seconds.format(n=f"{answer.seconds:.1f}"), cls="dq-seconds")
    if answer.confidence is None:
        return tag("div", seconds, cls="dq-confidence")
    percent, threshold = round(100 * answer.confidence), round(100 * answer.threshold)
    bar = tag(
        "span", tag("span", style=f"width:{percent}%"), tag("i", style=f"left:{threshold}%"), cls="dq-bar"
    )
    return tag(
        "div",
        tag("span", texts.confidence),
        bar,
        tag("b", str(percent)),
        seconds,
        cls="dq-confidence",
        title=texts.confidence_hint.format(percent=percent, threshold=threshold),
    )


def _actions(answer: Shown, texts: Texts, again: str) -> Markup:
    return tag(
        "div",
        _action("copy", "copy", texts.copy, data_text=answer.text),
        again,
        _action(
            "vote",
            "up",
            texts.helpful,
            data_answer=answer.id,
            data_verdict="up",
            aria_pressed="true" if answer.vote == "up" else "false",
        ),
        _action(
            "vote",
            "down",
            texts.unhelpful,
            data_answer=answer.id,
            data_verdict="down",
            aria_pressed="true" if answer.vote == "down" else "false",
        ),
        _action("correct", "edit", texts.correct, data_answer=answer.id),
        cls="dq-actions",
    )


def _action(event: str, drawing: str, label: str, **attributes: str) -> Markup:
    return tag(
        "button",
        icon(drawing),
        cls="dq-icon-button",
        type="button",
        data_event=event,
        title=label,
        aria_label=label,
        **attributes,
    )


def source_hint(texts: Texts) -> Markup:
    """What stands in the sources panel before a citation is followed."""
    return tag("div", icon("document"), hint(texts.source_hint), cls="dq-source-empty")
