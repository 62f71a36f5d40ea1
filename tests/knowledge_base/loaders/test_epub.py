"""EPUB: chapters in the order of the spine."""

import io
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.epub import load_epub

CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Handbook</dc:title></metadata><manifest><item id="n" href="nav.xhtml" properties="nav"/>
<item id="b" href="b%20two.xhtml"/><item id="a" href="a.xhtml"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
CHAPTER = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'


def book(**changes: str | None) -> bytes:
    files: dict[str, str | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE,
        "OEBPS/nav.xhtml": CHAPTER.format("<nav>Contents</nav>"),
        "OEBPS/a.xhtml": CHAPTER.format("<h1>第一章</h1><p>年费&#160;680元。</p>"),
        "OEBPS/b two.xhtml": CHAPTER.format("<h1>Second</h1><p>Text.</p>"),
    }
    files |= changes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return buffer.getvalue()


def test_chapters_follow_the_spine_and_the_contents_are_left_out() -> None:
    loaded = load_epub(book())
    assert loaded.title == "Handbook"
    assert [block.text for block in loaded.blocks] == ["第一章", "年费 680元。", "Second", "Text."]


@pytest.mark.parametrize("missing", ["META-INF/container.xml", "OEBPS/book.opf"])
def test_a_book_with_a_part_missing_is_refused(missing: str) -> None:
    with pytest.raises(LoadError, match=r"not an EPUB|damaged"):
        load_epub(book(**{missing: None}))


def test_a_protected_book_is_refused() -> None:
    protection = (
        '<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/></encryption>'
    )
    with pytest.raises(LoadError, match="copy-protected"):
        load_epub(book(**{"META-INF/encryption.xml": protection}))
