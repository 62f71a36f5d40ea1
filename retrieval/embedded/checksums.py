"""Is a lexical index on disk intact? Every file of tantivy ends with its own checksum.

tantivy writes, after the content of each segment file, a JSON footer with the CRC-32 of the content, the
footer's length and a magic number (four bytes each, little-endian). It checks the footer's form when it
opens a file, but not the sum.
"""

import json
import struct
import zlib
from pathlib import Path

_MAGIC = 1337
_TAIL = struct.Struct("<II")
_BLOCK = 1 << 20


def file_checksum(file: Path) -> int:
    """CRC-32 of a file's content."""
    checksum = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def is_lexical_intact(folder: Path) -> bool:
    """Whether `meta.json` can be read and the files of every segment it names are undamaged.

    A file that is missing altogether is met by tantivy itself. Another process may commit meanwhile and drop
    files that were just listed; then the new list is checked.
    """
    while True:
        listed = _meta(folder)
        if listed is None:
            return False
        try:
            if all(_is_file_intact(file) for file in _segment_files(folder, listed)):
                return True
        except (OSError, ValueError, KeyError, TypeError):
            pass  # damaged, unless the list has changed meanwhile
        if _meta(folder) == listed:
            return False


def _meta(folder: Path) -> bytes | None:
    try:
        return (folder / "meta.json").read_bytes()
    except OSError:
        return None


def _segment_files(folder: Path, meta: bytes) -> list[Path]:
    """The files of committed segments; a killed writer may have left unfinished ones beside them."""
    files: list[Path] = []
    for segment in json.loads(meta)["segments"]:
        name = segment["segment_id"].replace("-", "")
        deletes = f".{segment['deletes']['opstamp']}.del" if segment["deletes"] else None
        for file in folder.glob(f"{name}.*"):
            suffix = file.name.removeprefix(name)
            if suffix == deletes or not suffix.endswith((".del", ".temp")):
                files.append(file)
    return files


def _is_file_intact(file: Path) -> bool:
    data = memoryview(file.read_bytes())
    length, magic = _TAIL.unpack(data[-_TAIL.size :])
    end = len(data) - _TAIL.size
    footer = json.loads(bytes(data[end - length : end]))
    return bool(magic == _MAGIC and zlib.crc32(data[: end - length]) == footer["crc"])
