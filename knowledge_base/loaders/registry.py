"""Which loader reads which suffix, and the one boundary behind which a parsing library may fail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from knowledge_base.characters import ordinary
from knowledge_base.errors import LoadError, UnreadFormatError
from knowledge_base.loaders.ole import OldVersionError, protected
from knowledge_base.loaders.sniff import actual_format
from knowledge_base.loaders.zipped import members
from knowledge_base.notes import Note
from knowledge_base.ocr.pictures import SUFFIXES
from knowledge_base.values import Block, LoadedFile

Loader = Callable[[bytes], LoadedFile]

DEFAULT_MAX_BYTES = 100_000_000
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

# Module and function of each suffix.
_LOADERS: Mapping[str, str] = MappingProxyType({
    **dict.fromkeys(("csv", "tsv"), "delimited.load_delimited"),
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), "word.load_word"),
    **dict.fromkeys(("doc", "dot", "wps", "wpt"), "old_word.load_old_word"),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm", "xlsb"), "sheets.load_sheets"),
    **dict.fromkeys(("xls", "xlt", "et", "ett"), "old_sheets.load_old_sheets"),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "ppsm", "potx", "potm"), "slides.load_slides"),
    **dict.fromkeys(("ppt", "pps", "pot", "dps", "dpt"), "old_slides.load_old_slides"),
    **dict.fromkeys(("odt", "ott", "ods", "ots", "odp", "otp", "odg"), "opendocument.load_opendocument"),
    **dict.fromkeys(("mht", "mhtml"), "mail.load_web_archive"),
    **dict.fromkeys(("htm", "html"), "web.load_html"),
    **dict.fromkeys(("markdown", "md"), "markdown.load_markdown"),
    **dict.fromkeys(("srt", "vtt"), "subtitles.load_subtitles"),
    **dict.fromkeys(SUFFIXES, "picture.load_picture"),
    "eml": "mail.load_mail",
    "epub": "epub.load_epub",
    "ipynb": "notebook.load_notebook",
    "json": "records.load_json",
    "jsonl": "records.load_json_lines",
    "mbox": "mail.load_mailbox",
    "msg": "outlook.load_outlook",
    "pdf": "pdf.load_pdf",
    "rst": "notebook.load_restructured_text",
    "rtf": "rtf.load_rtf",
    "txt": "text.load_text",
    "wpd": "libreoffice.load_word_perfect",
    "xhtml": "web.load_xhtml",
    "xml": "xml_data.load_xml",
    "zip": "zipped.load_zip",
})  # fmt: skip


# Text of which the beginning can be read alone, and what is one value from beginning to end.
_IN_LINES = frozenset(["csv", "tsv", "txt", "jsonl", "md", "markdown", "htm", "html", "srt", "vtt"])
_IN_ONE_TREE = frozenset(["json", "xml", "ipynb", "rst", "xhtml"])
_PICTURES = (b"word/media/", b"ppt/media/", b"xl/media/", b"Pictures/")  # as office files name them
_MOST_TEXT_BYTES, _MOST_TREE_BYTES = 40_000_000, 10_000_000


def formats() -> frozenset[str]:
    """The suffixes that can be read, without their dots."""
    return frozenset(_LOADERS)


def has_pictures(suffix: str) -> bool:
    """Whether pages of files of this suffix can be shown; see `shown.show_page`."""
    return suffix == "pdf" or suffix in SUFFIXES


def unread_format(name: str) -> UnreadFormatError:
    """Why a file of this name is not read, if its suffix is none of `formats()`."""
    suffix = suffix_of(name)
    return UnreadFormatError(
        f"Files of the format .{suffix} are not read." if suffix else "A file without a suffix is not read.",
        f"Save it in one of these formats: {', '.join(sorted(formats()))}.",
    )


def suffix_of(name: str) -> str:
    """The suffix of a file's name in lower case without its dot, "" if it has none."""
    return Path(name).suffix[1:].lower()


def load(path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> LoadedFile:
    """Read a file.

    Raises:
        LoadError: it cannot be opened, is empty, larger than `max_bytes`, or see `parse`.
    """
    return parse(read(path, max_bytes), suffix_of(path.name))


def read(path: Path, max_bytes: int, member: str = "") -> bytes:
    """The bytes of a file, or of a `member` of the archive that it is.

    Raises:
        LoadError: it cannot be opened, is empty or larger than `max_bytes`.
    """
    if member:
        found = next(members(read(path, max_bytes), max_bytes=max_bytes, only=member), None)
        if found is None:
            raise LoadError("The archive no longer contains the file.", "Ingest again.")
        if found.error is not None:
            raise found.error
        return found.data
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise LoadError("The file disappeared before it was read.", "Ingest again.") from None
    except OSError as error:
        raise LoadError(
            f"The file cannot be opened: {error.strerror}.", "Check its permissions and the disk."
        ) from error
    if not data:
        raise LoadError("The file is empty.", "Remove it or fill it.")
    if len(data) > max_bytes:
        raise LoadError(
            f"The file is larger than {max_bytes / 1e6:,.0f} MB.",
            "Split it, or raise max_file_megabytes in the settings.",
        )
    return data


def parse(data: bytes, suffix: str) -> LoadedFile:
    """Read the content of a file with this suffix, any of `formats()`.

    Raises:
        LoadError: the content cannot be read, or has no text.
    """
    try:
        loaded = _loaded(data, actual_format(data, suffix))
    except LoadError:
        raise
    except RecursionError as error:
        raise LoadError(
            "The content of the file is nested too deeply.", "Save it as PDF in its own program."
        ) from error
    except Exception as error:  # noqa: BLE001 - a damaged file may raise anything inside a parsing library;
        # this is the only place where all is caught: one file must not stop the folder.
        raise LoadError(
            f"The file is damaged or does not match .{suffix} ({type(error).__name__}: {_brief(error)}).",
            "Open it in its own program and save it again.",
        ) from error
    blocks = map(_with_writable_text, loaded.blocks)
    kept = tuple(block for block in blocks if block.text.strip())
    if not kept:
        reasons = [note.text() for note in loaded.notes]
        has_pictures = any(folder in data for folder in _PICTURES)
        remedy = "Save it as PDF to have its pictures read." if has_pictures else "Remove it or fill it."
        raise LoadError(" ".join(["The file has no text.", *reasons]), remedy)
    return replace(loaded, title=_writable(loaded.title).strip(), blocks=kept)


def _loaded(data: bytes, kind: str) -> LoadedFile:
    """Read content of a kind that `actual_format` found; LibreOffice reads what is too old for us."""
    if kind == "protected":
        raise protected()
    if kind == "works":
        return _converted(data, "wps", "docx")
    if kind in _IN_LINES and len(data) > _MOST_TEXT_BYTES:
        loaded = _loader(kind)(data[: data.rfind(b"\n", 0, _MOST_TEXT_BYTES) + 1 or _MOST_TEXT_BYTES])
        cut = Note("text_cut", count=sum(len(block.text) for block in loaded.blocks))
        return replace(loaded, notes=tuple(dict.fromkeys((*loaded.notes, cut))))
    if kind in _IN_ONE_TREE and len(data) > _MOST_TREE_BYTES:
        raise LoadError(
            f"Files of the format .{kind} are read up to {_MOST_TREE_BYTES / 1e6:.0f} MB.", "Split the file."
        )
    try:
        return _loader(kind)(data)
    except OldVersionError as error:
        return _converted(data, error.suffix, "docx" if error.suffix == "doc" else "pptx")


def _converted(data: bytes, suffix: str, kind: str) -> LoadedFile:
    from knowledge_base.loaders.libreoffice import load_with_libreoffice

    return load_with_libreoffice(data, suffix, _loader(kind), kind)


def _loader(kind: str) -> Loader:
    """The function that reads a format, imported only now: most starts read no file, none reads them all."""
    module, _, name = _LOADERS[kind].partition(".")
    loader: Loader = getattr(import_module(f"knowledge_base.loaders.{module}"), name)
    return loader


def _with_writable_text(block: Block) -> Block:
    text = _writable(block.text)
    return block if text == block.text else replace(block, text=text)


def _writable(text: str) -> str:
    """Text without what no tokenizer and no database takes: control characters and halves of characters.

    Radicals and ligatures become ordinary characters, as in questions.
    """
    return ordinary(_UNWRITABLE.sub("", text))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
