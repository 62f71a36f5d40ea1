"""Writes compound files ([MS-CFB]), which no library in use here writes: for tests of old Office formats."""

import struct
from collections.abc import Mapping

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SMALLEST = 4096  # shorter streams would go elsewhere


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of streams by path; "a/b" is in the storage a. Short streams are filled with zeros."""
    entries: list[list[object]] = [["Root Entry", 5, -1, b""]]  # name, kind, parent, content
    folders = {"": 0}
    for path, content in streams.items():
        *above, name = path.split("/")
        for depth in range(len(above)):
            folder = "/".join(above[: depth + 1])
            if folder not in folders:
                folders[folder] = len(entries)
                entries.append([above[depth], 1, folders["/".join(above[:depth])], b""])
        entries.append([name, 2, folders["/".join(above)], content.ljust(_SMALLEST, b"\0")])
    chains, sectors = _chains([bytes(entry[3]) for entry in entries])  # type: ignore[call-overload]
    directory = b"".join(_entry(number, entries, chains) for number in range(len(entries)))
    directory += b"\0" * (-len(directory) % _SECTOR)
    first_directory = len(sectors)
    sectors += [directory[at : at + _SECTOR] for at in range(0, len(directory), _SECTOR)]
    fat: list[int] = []
    for start, count in [
        *((start, count) for start, count in chains if count),
        (first_directory, len(sectors) - first_directory),
    ]:
        fat += [*range(start + 1, start + count), _END]
    fat_sectors = (len(fat) + 1 + 127) // 127
    fat += [_FAT] * fat_sectors
    table = struct.pack(f"<{len(fat)}I", *fat)
    table += struct.pack("<I", _FREE) * ((-len(table) % _SECTOR) // 4)
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0,
        len(table) // _SECTOR, first_directory, 0, _SMALLEST, _END, 0, _END, 0, len(sectors),
    )  # fmt: skip
    header += b"".join(struct.pack("<I", len(sectors) + n) for n in range(1, len(table) // _SECTOR))
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors) + table


def _chains(contents: list[bytes]) -> tuple[list[tuple[int, int]], list[bytes]]:
    """Where each content begins and how many sectors it takes, and all sectors."""
    chains, sectors = [], []
    for content in contents:
        pieces = [content[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(content), _SECTOR)]
        chains.append((len(sectors), len(pieces)))
        sectors += pieces
    return chains, sectors


def _entry(number: int, entries: list[list[object]], chains: list[tuple[int, int]]) -> bytes:
    """A directory entry; the children of a storage are a chain to the right, which readers accept."""
    name, kind, parent, content = entries[number]
    siblings = [n for n, entry in enumerate(entries) if entry[2] == parent and n > number]
    children = [n for n, entry in enumerate(entries) if entry[2] == number]
    text = str(name).encode("utf-16-le") + b"\0\0"
    start, count = chains[number]
    return struct.pack(
        "<64sHBBIII36xIQ", text, len(text), kind, 1, _FREE, siblings[0] if siblings else _FREE,
        children[0] if children else _FREE, start if count else _END, len(bytes(content)),  # type: ignore[call-overload]
    )  # fmt: skip
