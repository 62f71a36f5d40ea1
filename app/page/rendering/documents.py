"""Documents: the text around a passage with the supporting sentence marked, and the table of a collection."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import quote, urlencode

from app.page.markup import Markup, icon, join, tag
from app.page.rendering.notices import hint
from app.page.texts import Texts
from app.workspace import CollectionInfo
from knowledge_base.ingest import Report
from knowledge_base.loaders import has_pictures
from knowledge_base.notes import Note
from knowledge_base.values import CatalogueEntry, Document, Passage

_AROUND = 6_000  # characters of a document shown before and after a passage: a few screens of reading
_ROWS = 200
_FULL_WIDTH = 2000  # pixels
_UNITS = ("B", "kB", "MB", "GB", "TB")


def in_place(document: Document, collection: str, span: tuple[int, int] | None, texts: Texts) -> Markup:
    """A document around a span of its text: the passage tinted, the span itself marked.

    Above it the page that holds the span is shown as a picture, where there is one.
    """
    start, end = _inside(span, len(document.text))
    passage = _passage_at(document, start) if span else None
    first, last = (passage.start, max(passage.end, end)) if passage else (start, end)
    low, high = max(0, first - _AROUND), min(len(document.text), last + _AROUND)
    text = document.text
    body = tag(
        "div",
        "…" if low else "",
        text[low:first],
        tag(
            "span",
            text[first:start],
            tag("mark", text[start:end], id="dq-marked") if end > start else "",
            text[end:last],
            cls="dq-passage",
        ),
        text[last:high],
        tag("p", texts.shortened, cls="dq-hint") if high < len(text) else "",
        cls="dq-page-text",
        tabindex=0,
    )
    shown = _page_figure(document, collection, passage, (start, end), texts) if passage else ""
    return tag("section", _head(document, passage, texts), shown, body, cls="dq-document")


def page_address(
    document: Document, collection: str, page: int, span: tuple[int, int] | None = None, width: int = 1000
) -> str:
    """Where a browser finds the picture of a page, with a span of the text marked."""
    wanted = {"page": page, "width": width}
    if span:
        wanted |= {"start": span[0], "end": span[1]}
    return f"/v1/collections/{quote(collection, safe='')}/pages/{quote(document.path)}?{urlencode(wanted)}"


def _page_figure(
    document: Document, collection: str, passage: Passage, span: tuple[int, int], texts: Texts
) -> Markup:
    """The page as a picture, which a click opens in full size."""
    if passage.page is None or not has_pictures(document.format):
        return Markup("")
    name = texts.page_picture.format(n=passage.page)
    picture = tag("img", src=page_address(document, collection, passage.page, span), alt=name, loading="lazy")
    large = page_address(document, collection, passage.page, span, _FULL_WIDTH)
    link = tag("a", picture, href=large, target="_blank", rel="noopener", title=name)
    return tag("figure", link, cls="dq-page-picture")


def passages(document: Document, texts: Texts) -> Markup:
    """Every passage of a document, in order, with its place."""
    total = len(document.passages)
    cards = [_card(passage, total, texts) for passage in document.passages[:_ROWS]]
    more = hint(texts.showing.format(shown=_ROWS, total=total)) if total > _ROWS else ""
    return tag("section", _head(document, None, texts), *cards, more, cls="dq-document dq-passage-list")


def place(passage: Passage, texts: Texts) -> str:
    """Page and headings of a passage in one line."""
    parts = [" › ".join(passage.heading)] if passage.heading else []
    if passage.page is not None:
        parts.insert(0, texts.page.format(n=passage.page))
    if passage.ocr is not None:
        parts.append(texts.read_by_ocr.format(percent=round(100 * passage.ocr)))
    return " · ".join(parts)


def table(entries: Sequence[CatalogueEntry], needle: str, collection: str, texts: Texts) -> Markup:
    """The documents of a collection whose path or title holds `needle`."""
    if not entries:
        return hint(texts.empty_collection)
    found = matching(entries, needle)
    if not found:
        return hint(texts.nothing_found)
    titles = (texts.document, texts.passages, texts.size, texts.modified)
    head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in titles]))
    rows = [_row(entry, collection, texts) for entry in found[:_ROWS]]
    count = hint(texts.showing.format(shown=min(len(found), _ROWS), total=len(entries)))
    return tag("table", head, tag("tbody", *rows), cls="dq-table dq-documents") + count


def matching(entries: Sequence[CatalogueEntry], needle: str) -> list[CatalogueEntry]:
    """Documents whose path or title holds `needle`, whatever the case."""
    wanted = needle.strip().casefold()
    return [entry for entry in entries if wanted in f"{entry.path}\n{entry.title}".casefold()]


def summary(info: CollectionInfo, texts: Texts) -> Markup:
    """What a collection holds, in one line, or why it cannot be used."""
    if info.problem:
        return tag("p", tag("b", info.name), f" {info.problem}", cls="dq-summary")
    numbers = texts.summary.format(
        documents=info.documents, passages=info.passages, size=readable_size(info.size_bytes)
    )
    return tag("p", tag("b", info.name), numbers, cls="dq-summary")


def report(result: Report, texts: Texts) -> Markup:
    """What became of each uploaded file; what was not read comes first, with its cause and remedy."""
    line = texts.uploaded.format(
        added=len(result.added),
        changed=len(result.changed),
        unchanged=len(result.unchanged),
        failed=len(result.failed),
        skipped=len(result.skipped),
        passages=result.passages,
        seconds=f"{result.seconds:.1f}",
    )
    failed = [
        _outcome(file.path, texts.failed, "dq-bad", join([file.cause, " ", tag("span", file.remedy)]))
        for file in result.failed
    ]
    skipped = [
        _outcome(file.path, texts.skipped, "", join([file.cause, " ", tag("span", file.remedy)]))
        for file in result.skipped
    ]
    noted = {path: _noted(notes, texts) for path, notes in result.notes.items()}
    done = [
        _outcome(path, state, "dq-good", noted.get(path, ""))
        for state, paths in ((texts.added, result.added), (texts.changed, result.changed))
        for path in sorted(paths, key=lambda path: path not in noted)
    ]
    rows = tag("tbody", *(failed + skipped + done)[:_ROWS])
    return tag(
        "div", tag("p", line, cls="dq-summary"), tag("table", rows, cls="dq-table dq-report"), role="status"
    )


def progress(done: int, total: int, texts: Texts) -> Markup:
    """A bar for files being added."""
    percent = round(100 * done / total) if total else 0
    return tag(
        "div",
        tag("span", cls="dq-spinner"),
        tag("span", f"{texts.uploading} {done} / {total}"),
        tag("span", tag("span", style=f"width:{percent}%"), cls="dq-bar dq-wide"),
        cls="dq-stage",
        role="progressbar",
        aria_valuenow=percent,
    )


def readable_size(size: int) -> str:
    """Bytes as people read them: 1500 gives 1.5 kB."""
    power = min((len(str(size)) - 1) // 3, len(_UNITS) - 1)
    return f"{size / 1000**power:.{1 if power else 0}f} {_UNITS[power]}"


def is_date(text: str) -> bool:
    """Whether a text is a date as filters take it, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _inside(span: tuple[int, int] | None, length: int) -> tuple[int, int]:
    start, end = span or (0, 0)
    start = min(max(start, 0), length)
    return start, min(max(end, start), length)


def _passage_at(document: Document, start: int) -> Passage | None:
    return next((p for p in document.passages if p.start <= start < p.end), None)


def _head(document: Document, passage: Passage | None, texts: Texts) -> Markup:
    where = place(passage, texts) if passage else ""
    return tag(
        "header",
        tag(
            "div",
            tag("h3", document.title or document.path),
            tag("p", document.path, cls="dq-path"),
            tag("p", where, cls="dq-place") if where else "",
            _noted(document.notes, texts),
        ),
        tag(
            "button",
            icon("close"),
            cls="dq-icon-button",
            type="button",
            data_event="close",
            title=texts.close,
            aria_label=texts.close,
        ),
    )


def _card(passage: Passage, total: int, texts: Texts) -> Markup:
    number = texts.passage_of.format(n=passage.ordinal + 1, total=total)
    where = place(passage, texts)
    return tag(
        "article",
        tag("p", number, f" · {where}" if where else "", cls="dq-place"),
        tag("div", passage.text, cls="dq-page-text"),
        cls="dq-card",
    )


def _row(entry: CatalogueEntry, collection: str, texts: Texts) -> Markup:
    name = tag(
        "button",
        tag("b", entry.title or entry.path),
        tag("i", entry.path),
        tag("span", texts.read_in_part, cls="dq-pill") if entry.notes else "",
        cls="dq-open",
        type="button",
        data_event="open",
        data_collection=collection,
        data_document=entry.path,
    )
    return tag(
        "tr",
        tag("td", name),
        tag("td", str(entry.passages), cls="dq-num", data_label=texts.passages),
        tag("td", readable_size(entry.size), cls="dq-num", data_label=texts.size),
        tag("td", entry.modified, cls="dq-num", data_label=texts.modified),
    )


def _noted(notes: Sequence[Note], texts: Texts) -> Markup:
    return join([tag("p", note.text(texts.language), cls="dq-note") for note in notes])


def _outcome(path: str, state: str, cls: str, detail: str) -> Markup:
    return tag(
        "tr", tag("td", tag("span", state, cls=f"dq-pill {cls}".strip())), tag("td", tag("b", path), detail)
    )
