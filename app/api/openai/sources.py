"""The sources of an answer for clients that drop unknown fields: OpenAI's annotations, or text."""

from collections.abc import Iterator
from pathlib import PurePath
from urllib.parse import quote, urlencode

from answering.values import Answer, Citation
from app.schema import Shape
from knowledge_base.loaders import has_pictures
from retrieval.prompt import language_of

_HEADINGS = {"en": ("Sources:", "{title}, page {page}"), "zh": ("来源：", "{title}，第 {page} 页")}


class UrlCitation(Shape):
    """Where the sentence from `start_index` to `end_index` of the reply stands."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(Shape):
    """A citation as OpenAI's chat completions have it."""

    type: str = "url_citation"
    url_citation: UrlCitation


def cited_in(text: str, answer: Answer, server: str) -> Iterator[UrlCitation]:
    """The citations of each sentence of an answer that stands in a reply.

    Args:
        text: the reply.
        answer: the answer that it was made of.
        server: the address of this server, with the slash at its end.
    """
    by_number = {citation.number: citation for citation in answer.citations}
    left = set(by_number)
    end = 0
    for sentence in answer.sentences:
        said = sentence.text.strip()
        start = text.find(said, end)
        if start < 0 or not said:
            continue
        end = start + len(said)
        for number in sentence.citations:
            left.discard(number)
            yield _url_citation(by_number[number], answer.collection, server, (start, end))
    for number in sorted(left) if text else ():  # of JSON, whose values are no sentences
        yield _url_citation(by_number[number], answer.collection, server, (0, len(text)))


def as_text(answer: Answer) -> str:
    """The sources as paragraph of a reply; "" where nothing is cited."""
    heading, on_page = _HEADINGS[language_of(answer.question)]
    lines = [f"[{one.number}] {_named(one, on_page)}" for one in answer.citations]
    return "\n\n" + "\n".join([heading, *lines]) if lines else ""


def _named(citation: Citation, on_page: str) -> str:
    return on_page.format(title=citation.document, page=citation.page) if citation.page else citation.document


def _url_citation(citation: Citation, collection: str, server: str, span: tuple[int, int]) -> UrlCitation:
    """A citation whose address shows the page with the quote marked, or else the document's text."""
    place = f"{server}v1/collections/{quote(collection, safe='')}"
    path = quote(citation.document)
    if citation.page and has_pictures(PurePath(citation.document).suffix.removeprefix(".").lower()):
        query = urlencode({"page": citation.page, "start": citation.start, "end": citation.end})
        url = f"{place}/pages/{path}?{query}"
    else:
        url = f"{place}/documents/{path}"
    return UrlCitation(
        start_index=span[0], end_index=span[1], title=citation.title or citation.document, url=url
    )
