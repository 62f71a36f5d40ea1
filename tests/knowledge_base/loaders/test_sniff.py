"""What a file is by its content."""

import io
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.sniff import actual_format
from tests.compound import compound


def archive(*names: str, mimetype: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names:
            made.writestr(name, mimetype if name == "mimetype" else "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "suffix", "kind"),
    [
        (b"{\\rtf1 text}", "docx", "rtf"),
        (b"%PDF-1.7\n", "doc", "pdf"),
        (b"<html><body>x</body></html>", "xls", "html"),
        (b"<?xml version='1.0'?><Workbook/>", "xls", "xml"),
        (b"Card,Fee\nGold,5\n", "xls", "csv"),
        (b"Just text.", "doc", "txt"),
        (b"\xffWPC\x6e\x0f", "doc", "wpd"),
        (b"From: a@b\nMIME-Version: 1.0\n\nx", "msg", "eml"),
        (b"\x89PNG\r\n\x1a\n", "docx", "png"),
        (b"\x00\x01\x02", "doc", "doc"),
        (b"Subject: no mail", "txt", "txt"),
        (archive("word/document.xml"), "xlsx", "docx"),
        (archive("ppt/presentation.xml"), "zip", "pptx"),
        (archive("a.docx", "b.docx"), "docx", "zip"),
        (archive("mimetype", mimetype="application/vnd.oasis.opendocument.text"), "docx", "odt"),
        (archive("mimetype", mimetype="application/epub+zip"), "zip", "epub"),
        (compound({"Workbook": b"x"}), "doc", "xls"),
        (compound({"EncryptedPackage": b"x"}), "xlsx", "protected"),
        (compound({"Other": b"x"}), "ppt", "ppt"),
    ],
    # An archive holds the time it was made, and processes that share the tests must call them alike.
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_kinds(data: bytes, suffix: str, kind: str) -> None:
    assert actual_format(data, suffix) == kind


def test_a_password_is_named_for_new_files_too() -> None:
    with pytest.raises(LoadError, match="password"):
        parse(compound({"EncryptedPackage": b"x"}), "docx")
