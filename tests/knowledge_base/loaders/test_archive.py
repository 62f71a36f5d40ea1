"""Archives are looked at before they are parsed."""

import io
import struct
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.archive import open_archive


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return buffer.getvalue()


def test_a_sound_archive_is_opened() -> None:
    assert open_archive(archive({"a.xml": b"<a/>"})).namelist() == ["a.xml"]


def test_a_zip_bomb_is_refused() -> None:
    with pytest.raises(LoadError, match="zip bomb"):
        open_archive(archive({"word/document.xml": b" " * 50_000_000}))


def test_a_zip_bomb_that_hides_its_size_is_refused() -> None:
    data = bytearray(archive({"word/document.xml": b" " * 50_000_000}))
    size = struct.pack("<I", 50_000_000)
    assert data.count(size) == 2  # in the entry and in the directory
    for _ in range(2):
        where = data.index(size)
        data[where : where + 4] = struct.pack("<I", 1000)
    with pytest.raises(LoadError, match="damaged"):
        open_archive(bytes(data))


def test_entities_are_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>'
    for data in (bomb, bomb.decode().encode("utf-16")):
        with pytest.raises(LoadError, match="entities"):
            open_archive(archive({"word/document.xml": b" " * (2**20 - 40) + data}))


def test_damage_passwords_and_old_formats_are_distinguished() -> None:
    sound = archive({"a.xml": bytes(range(256)) * 100})
    with pytest.raises(LoadError, match="not a complete archive"):
        open_archive(sound[: len(sound) // 2])
    with pytest.raises(LoadError, match="cannot be unpacked"):
        open_archive(sound[:60] + b"\xff\xff\xff\xff" + sound[64:])
    with pytest.raises(LoadError, match="password or of an old Office format"):
        open_archive(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    locked = bytearray(archive({"a.xml": b"<a/>"}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(LoadError, match="password"):
        open_archive(bytes(locked))
