"""What a file is by its content: programs save one format under the suffix of another."""

import io
import re
import zipfile

from knowledge_base.loaders.ole import OLE, compound_kind

_HEAD = 4096
# How a format begins; the sheets are those of Excel without a compound file around them.
_MARKS = (
    (b"{\\rtf", "rtf"),
    (b"\xffWPC", "wpd"),
    (b"\x09\x08", "xls"),
    (b"\x09\x04", "xls"),
    (b"\x09\x02", "xls"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
)
_ANYWHERE = ("rtf",)  # under whatever name
_MAIL = re.compile(rb"(?:(?:[!-9;-~]+:[^\r\n]*|[ \t][^\r\n]*)\r?\n){2,}", re.IGNORECASE)
_MAIL_NAMES = re.compile(
    rb"^(?:from|received|mime-version|message-id|return-path):", re.IGNORECASE | re.MULTILINE
)
_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|table|body|head)\b",
    re.IGNORECASE | re.DOTALL,
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Suffixes of formats that are never plain text, and what text under their name is.
_OFFICE = {
    "doc": "txt", "docx": "txt", "dot": "txt", "wps": "txt", "rtf": "txt", "odt": "txt",
    "xls": "csv", "xlsx": "csv",
    "xlsb": "csv", "et": "csv", "ods": "csv", "ppt": "txt", "pptx": "txt", "dps": "txt",
    "odp": "txt", "msg": "eml",
}  # fmt: skip
_MAIN_PARTS = (("word/document", "docx"), ("xl/workbook", "xlsx"), ("ppt/presentation", "pptx"))
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


def actual_format(data: bytes, suffix: str) -> str:
    """The suffix of the format that the content has, `suffix` where nothing says another.

    "protected" stands for office files with a password, "works" for documents of Microsoft Works.
    """
    head = data[:_HEAD]
    if data.startswith(OLE):
        return compound_kind(data) or suffix
    if data.startswith(b"PK\x03\x04"):
        return _of_archive(data) or suffix
    if b"%PDF-" in head[:1024] and (data.startswith(b"%PDF-") or suffix == "pdf" or suffix in _OFFICE):
        return "pdf"
    begins = (head, head.lstrip(b"\r\n "))
    marked = next((kind for mark, kind in _MARKS if any(begin.startswith(mark) for begin in begins)), "")
    if marked and (suffix in _OFFICE or marked in _ANYWHERE):
        return marked
    return _of_text(data, head, suffix) if suffix in _OFFICE or suffix in ("html", "htm") else suffix


def _of_archive(data: bytes) -> str:
    """What a zip archive holds, "" if that cannot be known."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {name.replace("\\", "/").lstrip("/") for name in archive.namelist()}
            kind = archive.read("mimetype")[:100].decode(errors="replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError):
        return ""
    if kind.startswith("application/epub"):
        return "epub"
    if kind.startswith(_OPEN_DOCUMENT):
        return "odt"
    for main, found in _MAIN_PARTS:
        if any(name.lower().startswith(main) for name in names):
            return found
    if "META-INF/container.xml" in names:
        return "epub"
    return "odt" if {"content.xml", "META-INF/manifest.xml"} <= names else "zip"


def _of_text(data: bytes, head: bytes, suffix: str) -> str:
    """What text is that has the suffix of an office file, or of a page."""
    if _BINARY.search(head) and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return suffix
    message = _MAIL.match(head.lstrip())
    if message and _MAIL_NAMES.search(message.group()):
        return "mht" if b"multipart/related" in head.lower() and suffix != "msg" else "eml"
    if suffix in ("html", "htm"):
        return suffix
    if _PAGE.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "html"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        return "xml"
    return _OFFICE[suffix] if data.strip() else suffix
