"""Archives of documents: members, depth, passwords and bombs."""

import io
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.zipped import load_zip, members
from knowledge_base.notes import Note


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return buffer.getvalue()


def paths(data: bytes) -> list[str]:
    return [member.path for member in members(data)]


def test_members_of_members() -> None:
    inner = archive({"b.txt": b"b"})
    data = archive(
        {"a.txt": b"a", "x/inner.zip": inner, "__MACOSX/a": b"", ".hidden": b"", "../up.txt": b"u"}
    )
    assert paths(data) == ["a.txt", "x/inner.zip/b.txt", "up.txt"]
    assert [member.data for member in members(data, only="x/inner.zip/b.txt")] == [b"b"]


def test_archives_in_archives_have_a_depth() -> None:
    data = b"deep"
    for name in ("t.txt", "3.zip", "2.zip", "1.zip"):
        data = archive({name: data})
    found = list(members(data))
    assert [(member.path, member.error is not None) for member in found] == [("1.zip/2.zip/3.zip", True)]
    assert "depth of 3" in str(found[0].error)
    assert load_zip(archive({"4.zip": data, "a.txt": b"a"})).notes == (
        Note("part_nested", name="4.zip/1.zip/2.zip"),
    )


def test_a_password_or_damage_of_one_member_costs_no_other() -> None:
    data = bytearray(archive({"a.txt": b"a" * 50, "b.txt": b"b"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = list(members(bytes(data)))
    assert "password" in str(found[0].error)
    assert found[1].data == b"b"
    loaded = load_zip(bytes(data))
    assert [block.text for block in loaded.blocks] == ["b.txt", "b"]
    assert loaded.notes == (Note("part_damaged", name="a.txt"),)


def test_bombs_are_refused_however_they_are_nested() -> None:
    bomb = archive({"zeros.txt": bytes(60_000_000)})
    with pytest.raises(LoadError, match="zip bomb"):
        list(members(bomb))
    nested = archive({f"{number}.zip": archive({"z.txt": bytes(8_000_000)}) for number in range(9)})
    with pytest.raises(LoadError, match="zip bomb"):
        list(members(nested))
    with pytest.raises(LoadError, match="damaged"):
        list(members(b"PK\x03\x04"))


def test_names_in_a_chinese_code_page() -> None:
    data = archive({"AAAAAAAA.txt": b"x"}).replace(b"AAAAAAAA", "利率说明".encode("gb18030"))
    assert paths(data) == ["利率说明.txt"]
