"""Compound files, in which Office kept documents until 2007 and Outlook keeps messages: which one it is."""

import olefile

from knowledge_base.errors import LoadError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The stream that only files of one kind have, and the suffix of that kind; the first that is there decides.
_STREAMS = (
    ("EncryptedPackage", "protected"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("__properties_version1.0", "msg"),
    ("MatOST", "works"),
    ("CONTENTS", "works"),
)


class OldVersionError(LoadError):
    """A document of a program older than Office 97; `suffix` is that of its kind."""

    def __init__(self, suffix: str) -> None:
        super().__init__("The file was written by a program of 1996 or older.", f"Save it as .{suffix}x.")
        self.suffix = suffix


def open_compound(data: bytes) -> olefile.OleFileIO:
    """The streams of a compound file; LoadError if it is none or damaged."""
    if not data.startswith(OLE):
        raise LoadError(
            "The content of the file is not that of an Office program.",
            "Open it in the program that wrote it, and save it as PDF.",
        )
    try:
        return olefile.OleFileIO(data)
    except Exception as error:  # noqa: BLE001 - olefile lets any error of reading through
        raise LoadError("The file is damaged: it ends before its text.", "Obtain an intact copy.") from error


def compound_kind(data: bytes) -> str:
    """The suffix of what a compound file holds: doc, ppt, xls or msg; "protected" and "works"; else ""."""
    with open_compound(data) as file:
        return next((kind for stream, kind in _STREAMS if file.exists(stream)), "")


def stream(file: olefile.OleFileIO, name: str) -> bytes:
    """A stream as far as it can be read, b"" if there is none of that name."""
    if not file.exists(name):
        return b""
    try:
        content: bytes = file.openstream(name).read()
    except OSError as error:
        raise LoadError("The file is damaged: it ends before its text.", "Obtain an intact copy.") from error
    return content


def compound_title(file: olefile.OleFileIO) -> str:
    """The title among a compound file's properties, "" if there is none or it cannot be read."""
    try:
        properties = file.get_metadata()
        title = properties.title or b""
        code_page = properties.codepage or 1252
    except Exception:  # noqa: BLE001 - damaged properties cost the title, not the document
        return ""
    if isinstance(title, str):
        return title
    encoding = {65001: "utf-8", 936: "gb18030", -535: "utf-8"}.get(code_page, f"cp{code_page}")
    try:
        return str(title.decode(encoding)).rstrip("\0")
    except (LookupError, UnicodeDecodeError):
        return ""


def protected() -> LoadError:
    """The error for a file with a password."""
    return LoadError("The file is protected by a password.", "Save it without one.")
