"""E-mail: who wrote to whom, when and about what, the text, and what is attached or forwarded."""

import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.parts import part_blocks
from knowledge_base.loaders.text import text_blocks, unstructured
from knowledge_base.loaders.web import parse_html
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_DEEPEST = 10
_WITHOUT_TEXT = ("image", "audio", "video", "font")
_SUFFIXES = {
    "text/html": "html", "text/csv": "csv", "text/markdown": "md", "application/pdf": "pdf",
    "application/json": "json",
    "application/rtf": "rtf", "text/rtf": "rtf", "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt", "application/zip": "zip", "application/vnd.ms-outlook": "msg",
}  # fmt: skip
_NEXT_MESSAGE = re.compile(rb"(?:\A|\r?\n)(?=From [^\r\n]*\r?\n[\w-]+:)")


def load_mail(data: bytes) -> LoadedFile:
    """Read a message; of its alternatives the HTML one, which has headings and tables, else the plain one."""
    try:
        message = message_from_bytes(data)
    except RecursionError:
        return unstructured(decode(data))
    notes: list[Note] = []
    if not message.keys():  # text under another name, or no text at all
        return collected("", text_blocks(decode(data)))
    return collected(header(message, "Subject"), _message_blocks(message, notes, 0), notes)


def load_mailbox(data: bytes) -> LoadedFile:
    """Read the messages of an mbox file, each below its subject; LoadError if there is none."""
    pieces = [piece for piece in _NEXT_MESSAGE.split(data) if piece.startswith(b"From ")]
    if not pieces:
        raise LoadError("The file is not a mailbox: no line begins with From.", "Export it again as mbox.")
    notes: list[Note] = []
    return collected("", _mailbox_blocks(pieces, notes), notes)


def load_web_archive(data: bytes) -> LoadedFile:
    """Read a page with its pictures in one file (MHTML); LoadError if it holds no page."""
    pages = [part for part in message_from_bytes(data).walk() if part.get_content_type() == "text/html"]
    if not pages:
        raise LoadError("The file contains no web page.", "Save the page again, as HTML.")
    loaded = [parse_html(_text(page)) for page in pages]
    blocks = (block for page in loaded for block in page.blocks)
    return collected(loaded[0].title, blocks, [note for page in loaded for note in page.notes])


def envelope_blocks(fields: Mapping[str, str], body: Iterator[Block], *, top: bool = True) -> Iterator[Block]:
    """A message as text: a row that names sender, receivers, date and subject, then its body."""
    subject = fields.get("Subject", "")
    row = "; ".join(f"{name}: {text}" for name, text in fields.items() if text)
    if subject and not top:
        yield Block(subject, "heading", 2)
    if row:
        yield Block(row, "row")
    for place, block in enumerate(body):
        repeats = place == 0 and block.kind == "heading" and on_one_line(block.text) == subject
        if not repeats:
            yield block


def header(message: Message, name: str) -> str:
    """A header's text. Encoded words whose encoding is wrongly named are taken for what they look like."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return decoded_header(raw)


def decoded_header(raw: str) -> str:
    """The text of a header as it stands in a message, raw bytes in it read too."""
    if any("\udc80" <= character <= "\udcff" for character in raw):
        raw = _decoded(raw.encode("utf-8", "surrogateescape"), "")
    if "=?" not in raw:
        return on_one_line(raw)
    try:
        pieces = decode_header(raw)
    except (HeaderParseError, ValueError):
        return on_one_line(raw)
    texts = (piece if isinstance(piece, str) else _decoded(piece, charset or "") for piece, charset in pieces)
    return on_one_line("".join(texts))


def _mailbox_blocks(pieces: list[bytes], notes: list[Note]) -> Iterator[Block]:
    for piece in pieces:
        message = message_from_bytes(piece.partition(b"\n")[2])
        yield Block(header(message, "Subject") or "—", "heading", 1)
        yield from _message_blocks(message, notes, 0)


def _message_blocks(message: Message, notes: list[Note], depth: int) -> Iterator[Block]:
    fields = {name: header(message, name) for name in ("From", "To", "Cc")}
    fields |= {"Date": _date(message), "Subject": header(message, "Subject")}
    fields["Attachments"] = ", ".join(filter(None, map(_name, _attachments(message))))
    yield from envelope_blocks(fields, _body(message, notes, depth), top=depth == 0)


def _body(message: Message, notes: list[Note], depth: int) -> Iterator[Block]:
    if depth > _DEEPEST:
        notes.append(Note("part_nested", name=header(message, "Subject")))
        return
    later = []
    for part in _readable(message):
        if part.get_content_type() == "message/rfc822":
            forwarded = part.get_payload()
            for inner in forwarded if isinstance(forwarded, list) else ():
                if isinstance(inner, Message):
                    yield from _message_blocks(inner, notes, depth + 1)
        elif _is_attachment(part):
            later.append(part)
        elif part.get_content_type() == "text/html":
            loaded = parse_html(_text(part))
            notes += loaded.notes
            yield from loaded.blocks
        else:
            yield from text_blocks(_text(part))
    for part in later:
        yield from _attached(part, notes)


def _readable(message: Message) -> Iterator[Message]:
    """The parts of a message in order; of alternatives the best one, of a page with pictures the page."""
    if not message.is_multipart() or message.get_content_type() == "message/rfc822":
        yield message
        return
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    kind = message.get_content_type()
    if kind == "multipart/alternative":
        with_page = [part for part in parts if _has_page(part)]
        plain = [part for part in parts if part.get_content_maintype() == "text"]
        chosen = (with_page or plain or parts)[-1:]
        parts = chosen if any(_text(part).strip() for part in chosen[0].walk() if _is_text(part)) else parts
    for part in parts:
        yield from _readable(part)


def _has_page(part: Message) -> bool:
    return any(inner.get_content_type() == "text/html" for inner in part.walk())


def _is_text(part: Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html")


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or not _is_text(part)


def _attachments(message: Message) -> Iterator[Message]:
    for part in _readable(message):
        if _is_attachment(part) and part.get_content_type() != "message/rfc822":
            yield part


def _attached(part: Message, notes: list[Note]) -> Iterator[Block]:
    name = _name(part)
    data = part.get_payload(decode=True)
    is_picture = (
        part.get_content_maintype() in _WITHOUT_TEXT and part.get_content_disposition() != "attachment"
    )
    if is_picture or not isinstance(data, bytes) or not data:
        return
    if not name and part.get_content_maintype() == "text":
        yield from text_blocks(_text(part))
        return
    suffix = name.rpartition(".")[2].lower() if "." in name else _SUFFIXES.get(part.get_content_type(), "")
    if name or suffix:
        yield from part_blocks(name or f"attachment.{suffix}", data, notes, suffix=suffix)


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or not content:
        return ""
    try:
        return _decoded(content, str(part.get_content_charset("")))
    except (LookupError, ValueError):
        return _decoded(content, "")


def _decoded(content: bytes, charset: str) -> str:
    """Text under its own charset, or what the bytes look like where that is wrong."""
    try:
        return decode(content, charset)
    except LoadError:
        return content.decode("utf-8", errors="replace")


def _name(part: Message) -> str:
    try:
        return decoded_header(part.get_filename() or "")
    except (LookupError, ValueError):
        return ""


def _date(message: Message) -> str:
    text = header(message, "Date")
    try:
        return parsedate_to_datetime(text).strftime("%Y-%m-%d %H:%M")
    except (ValueError, TypeError, IndexError):
        return text
