"""What each retriever found, and what the model was given."""

from collections.abc import Mapping

from answering.values import Answer
from app.page.markup import Markup, tag
from app.page.rendering.documents import place
from app.page.rendering.notices import hint
from app.page.texts import Texts
from retrieval.retriever import Ranked, Retrieval


def results(retrieval: Retrieval, texts: Texts) -> Markup:
    """The fused order with each retriever's rank and score."""
    line = texts.found.format(
        n=len(retrieval.ranked),
        ms=round(1000 * retrieval.seconds),
        dense=len(retrieval.candidates.dense),
        lexical=len(retrieval.candidates.lexical),
    )
    if not retrieval.ranked:
        return hint(texts.nothing_found)
    titles = (texts.rank, texts.document, texts.dense, texts.lexical, texts.fused)
    head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in titles]))
    rows = [_row(rank, ranked, texts) for rank, ranked in enumerate(retrieval.ranked, 1)]
    return tag("p", line, cls="dq-summary") + tag(
        "table", head, tag("tbody", *rows), cls="dq-table dq-results"
    )


def reading(answer: Answer, texts: Texts) -> Markup:
    """The prompt that the model read for an answer, and how the decision was made."""
    trace = answer.trace
    left_out = len(trace.left_out)
    return tag(
        "section",
        tag("h3", texts.standalone),
        tag("p", trace.standalone),
        tag("h3", texts.signals),
        _numbers(
            trace.signals
            if answer.confidence is None
            else {texts.confidence: answer.confidence, **trace.signals}
        ),
        tag("h3", texts.stages),
        _numbers(trace.seconds),
        tag("p", f"{texts.left_out}: {left_out}", cls="dq-hint") if left_out else "",
        tag("h3", texts.prompt),
        tag("pre", trace.prompt, cls="dq-prompt", tabindex=0),
        cls="dq-reading",
    )


def _row(rank: int, ranked: Ranked, texts: Texts) -> Markup:
    passage = ranked.passage
    where = " · ".join(part for part in (passage.document, place(passage, texts)) if part)
    return tag(
        "tr",
        tag("td", str(rank), cls="dq-rank"),
        tag(
            "td",
            tag("b", passage.title or passage.document),
            tag("i", where),
            tag("details", tag("summary", passage.text), tag("div", passage.text, cls="dq-page-text")),
            cls="dq-found",
        ),
        _leg(ranked.dense_rank, ranked.dense_score, texts.dense),
        _leg(ranked.lexical_rank, ranked.lexical_score, texts.lexical),
        tag("td", f"{ranked.score:.4f}", cls="dq-num", data_label=texts.fused),
    )


def _leg(rank: int | None, score: float, label: str) -> Markup:
    if rank is None:
        return tag("td", "–", cls="dq-num", data_label=label)
    return tag("td", tag("b", f"#{rank}"), tag("i", f"{score:.3f}"), cls="dq-num", data_label=label)


def _numbers(values: Mapping[str, float]) -> Markup:
    pairs = [tag("div", tag("dt", name), tag("dd", f"{value:.3f}")) for name, value in values.items()]
    return tag("dl", *pairs, cls="dq-numbers")
