"""E-mail: who wrote to whom, when and about what, the text, and the names of what is attached."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime

from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.text import text_blocks
from knowledge_base.loaders.web import parse_html
from knowledge_base.values import Block, LoadedFile


def load_mail(data: bytes) -> LoadedFile:
    """Read a message; of its alternatives the HTML one, which has headings and tables, else the plain one."""
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)  # what the default policy makes
    subject = _header(message, "Subject")
    envelope = {name: _header(message, name) for name in ("From", "To", "Cc")}
    envelope |= {"Date": _date(message), "Subject": subject, "Attachments": ", ".join(_attachments(message))}
    row = "; ".join(f"{name}: {text}" for name, text in envelope.items() if text)
    envelope_block = (Block(row, "row"),) if row else ()
    return LoadedFile(subject, (*envelope_block, *_below(_body(message), subject)))


def _body(message: EmailMessage) -> list[Block]:
    part = message.get_body(preferencelist=("html", "plain"))
    if part is None:
        return []
    content = part.get_payload(decode=True)
    text = decode(content, part.get_content_charset("")) if isinstance(content, bytes) and content else ""
    if part.get_content_subtype() == "html":
        return list(parse_html(text).blocks)
    return text_blocks(text)


def _below(blocks: list[Block], subject: str) -> list[Block]:
    """The text without a heading that only repeats the subject."""
    repeats = bool(blocks) and blocks[0].kind == "heading" and on_one_line(blocks[0].text) == subject
    return blocks[1:] if repeats else blocks


def _header(message: EmailMessage, name: str) -> str:
    """A header's text, encoded words decoded; raw bytes in it are taken for what they look like."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if any("\udc80" <= character <= "\udcff" for character in raw):
        raw = decode(raw.encode("utf-8", "surrogateescape"))
    return on_one_line(str(make_header(decode_header(raw))) if "=?" in raw else raw)


def _date(message: EmailMessage) -> str:
    text = _header(message, "Date")
    try:
        return parsedate_to_datetime(text).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text


def _attachments(message: EmailMessage) -> list[str]:
    names = (part.get_filename() for part in message.iter_attachments())
    return [on_one_line(name) for name in names if name]
