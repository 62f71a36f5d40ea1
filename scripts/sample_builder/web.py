"""Web pages, e-mails and e-books."""

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from uuid import NAMESPACE_URL, uuid5

from sample_builder.source import Source, SourceError, markdown

ZIP_TIME = (2026, 1, 5, 9, 0, 0)
NAVIGATION = {
    False: {"Home": "/", "Cards": "/cards", "Accounts": "/accounts", "Loans": "/loans", "Help": "/help"},
    True: {"首页": "/", "银行卡": "/cards", "账户": "/accounts", "贷款": "/loans", "帮助": "/help"},
}
PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="{charset}">
<title>{title} | {bank}</title>
<style>body {{ font-family: sans-serif; margin: auto }} td, th {{ border: 1px solid #999 }}</style>
<script>window.site = {{ "section": "{section}" }};</script>
</head>
<body>
<header><a href="/">{bank}</a>
<nav><ul>{links}</ul></nav>
</header>
<main>
<article>
{content}</article>
</main>
<aside><p>{aside}</p></aside>
<footer><p>{footer}</p></footer>
</body>
</html>
"""
SITE = {
    False: ("en", "Harbour Lane Bank", "Was this page helpful? Yes / No", "Cookie settings · Site map"),
    True: ("zh-CN", "港湾银行", "本页内容对您有帮助吗？ 是 / 否", "Cookie 设置 · 网站地图"),
}
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>{lang}</dc:language>
<dc:creator>{bank}</dc:creator>
<meta property="dcterms:modified">2026-01-05T09:00:00Z</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
{items}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
ITEM = '<item id="{id}" href="{name}" media-type="application/xhtml+xml"/>'
CHAPTER = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{lang}">
<head><title>{title}</title></head>
<body>
{content}</body>
</html>
"""


def build_html(source: Source) -> bytes:
    """Return the source as a page of a bank's site, navigation and footer around it."""
    lang, bank, aside, footer = SITE[source.chinese]
    charset = source.meta.get("encoding", "utf-8")
    links = _links((target, name) for name, target in NAVIGATION[source.chinese].items())
    page = PAGE.format(
        lang=lang, charset=charset, title=escape(source.title), bank=bank, section=source.path.split("/")[1],
        links=links, content=_html("\n\n".join(source.markdown_pages)), aside=aside, footer=footer,
    )  # fmt: skip
    return page.encode(charset)


def build_eml(source: Source) -> bytes:
    """Return the source as an e-mail.

    `transfer` in the front matter chooses quoted-printable (the default) or base64;
    `alternative: html` adds an HTML version. Raises SourceError where a header is missing.
    """
    missing = {"from", "to", "date", "subject"} - source.meta.keys()
    if missing:
        raise SourceError(f"{source.path}: an e-mail needs {', '.join(sorted(missing))} in its front matter")
    transfer, charset = source.meta.get("transfer", "quoted-printable"), source.meta.get("encoding", "utf-8")
    message = EmailMessage(policy=SMTP)
    for name in ("from", "to", "cc", "subject"):
        if name in source.meta:
            message[name.title()] = source.meta[name]
    message["Date"] = format_datetime(_date(source))
    message["Message-ID"] = f"<{uuid5(NAMESPACE_URL, source.path)}@harbourlane.example>"
    message.set_content(source.body, charset=charset, cte=transfer)
    if source.meta.get("alternative") == "html":
        message.add_alternative(_html(source.body), subtype="html", charset=charset, cte=transfer)
        message.set_boundary(f"=_{uuid5(NAMESPACE_URL, source.path).hex}")
    return message.as_bytes()


def _date(source: Source) -> datetime:
    """Parse the date header, either as ISO 8601 or as e-mails write it; times without a zone are China's."""
    text = source.meta["date"]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return parsedate_to_datetime(text)
        except ValueError as error:
            raise SourceError(f"{source.path}: date {text!r}; write e.g. 2026-03-02 09:15") from error
    return moment if moment.tzinfo else datetime.fromisoformat(f"{moment.isoformat()}+08:00")


def build_epub(source: Source) -> bytes:
    """Return the source as an EPUB 3 book: one chapter per page."""
    lang, bank, _, _ = SITE[source.chinese]
    names, titles, files = [], [], {}
    for number, (page, blocks) in enumerate(zip(source.markdown_pages, source.pages, strict=True), start=1):
        name = f"chapter{number:02}.xhtml"
        title = escape(next((block.text for block in blocks if block.kind == "heading"), source.title))
        files[name] = CHAPTER.format(lang=lang, title=title, content=_html(page))
        names.append(name)
        titles.append(title)
    links = _links(zip(names, titles, strict=True))
    files["nav.xhtml"] = CHAPTER.format(
        lang=lang, title=escape(source.title), content=f'<nav epub:type="toc"><ol>{links}</ol></nav>\n'
    )
    files["content.opf"] = PACKAGE.format(
        uuid=uuid5(NAMESPACE_URL, source.path), title=escape(source.title), lang=lang, bank=bank,
        items="\n".join(ITEM.format(id=name[:-6], name=name) for name in names),
        spine="\n".join(f'<itemref idref="{name[:-6]}"/>' for name in names),
    )  # fmt: skip
    return _packed(files)


def _packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        # the standard wants the media type first and not compressed
        book.writestr(zipfile.ZipInfo("mimetype", ZIP_TIME), "application/epub+zip")
        contents = {f"OEBPS/{name}": text for name, text in files.items()}
        for name, text in {"META-INF/container.xml": CONTAINER, **contents}.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(entry, text)
    return buffer.getvalue()


def _links(targets: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<li><a href="{target}">{name}</a></li>' for target, name in targets)


def _html(text: str) -> str:
    return str(markdown().render(text))
