"""Office files and books are zip archives: looked at before any library parses them."""

import io
import zipfile
import zlib

from knowledge_base.errors import LoadError

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # begins old Office files, and new ones with a password
_MOST_ENTRIES = 20_000
_MOST_BYTES = 1_000_000_000
_MOST_RATIO = 200  # of office files: 5 to 50
_SMALL = 10_000_000  # so little does no harm, however well it was compressed
_STEP = 1 << 20
_XML = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".vml")
_ENTITIES = tuple("<!ENTITY".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_OVERLAP = max(len(mark) for mark in _ENTITIES) - 1


def open_archive(data: bytes) -> zipfile.ZipFile:
    """The archive of a DOCX, PPTX, XLSX or EPUB, once it is known to do no harm.

    Every entry is unpacked once, into nothing, so that sizes are real ones and damage is found.

    Raises:
        LoadError: it is no archive, has a password, is damaged, would unpack to far more than it is (a zip
            bomb), or its XML defines entities, which office files and books never need.
    """
    if data.startswith(_OLE):
        raise LoadError(
            "The file is protected by a password or of an old Office format.",
            "Save it without a password as .docx, .pptx or .xlsx.",
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise LoadError(
            "The file is damaged: it is not a complete archive.", "Obtain an intact copy."
        ) from None
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise LoadError("The file is protected by a password.", "Save it without one.")
    if len(entries) > _MOST_ENTRIES or _is_bomb(sum(entry.file_size for entry in entries), len(data)):
        raise _bomb()
    _unpack_into_nothing(archive, entries, len(data))
    return archive


def _unpack_into_nothing(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], packed: int) -> None:
    total = 0
    for entry in entries:
        tail = b""
        is_xml = entry.filename.lower().endswith(_XML)
        try:
            with archive.open(entry) as file:
                while piece := file.read(_STEP):
                    total += len(piece)
                    if _is_bomb(total, packed):
                        raise _bomb()
                    if is_xml and any(mark in tail + piece for mark in _ENTITIES):
                        raise LoadError(
                            "The file's XML defines entities.", "Save it again in its own program."
                        )
                    tail = piece[-_OVERLAP:]
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise LoadError(
                f"The file is damaged: {entry.filename} cannot be unpacked.", "Obtain an intact copy."
            ) from error


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > _MOST_BYTES or (unpacked > _SMALL and unpacked > _MOST_RATIO * packed)


def _bomb() -> LoadError:
    return LoadError(
        "The file unpacks to far more than its size (a zip bomb).",
        "Do not open it unless you know where it comes from.",
    )
