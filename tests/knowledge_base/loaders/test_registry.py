"""Which files are read, and how one that cannot be is told."""

import io
from pathlib import Path

import docx
import pytest
from PIL import Image

from knowledge_base.errors import LoadError
from knowledge_base.loaders import formats, load, parse, suffix_of
from knowledge_base.values import Block


def test_every_promised_format_is_read() -> None:
    promised = {"pdf", "docx", "pptx", "xlsx", "csv", "html", "md", "txt", "json", "jsonl", "eml", "epub"}
    assert promised <= formats()


def test_a_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "A.TXT").write_bytes("年费680元。".encode("gb18030"))
    assert load(tmp_path / "A.TXT").blocks == (Block("年费680元。"),)
    assert suffix_of("x/y.Tar.GZ") == "gz"


@pytest.mark.parametrize("suffix", sorted(formats()))
def test_damage_is_always_a_load_error_with_cause_and_remedy(suffix: str) -> None:
    for data in (
        b"PK\x03\x04" + bytes(200),
        b"%PDF-1.4\n" + bytes(range(256)) * 8,
        b"\xff\xfe\x00",
        b"   \n",
    ):
        with pytest.raises(LoadError) as caught:
            parse(data, suffix)
        assert caught.value.cause.endswith(".")
        assert caught.value.remedy


def test_empty_missing_and_too_large_files(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    with pytest.raises(LoadError, match="disappeared"):
        load(file)
    file.touch()
    with pytest.raises(LoadError, match="empty"):
        load(file)
    file.write_text("0123456789")
    assert load(file, 10).blocks
    with pytest.raises(LoadError, match=r"larger than .* MB.*max_file_megabytes"):
        load(file, 9)
    file.write_text(" \n\n ")
    with pytest.raises(LoadError, match="no text"):
        load(file)
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(LoadError, match="cannot be opened"):
        load(tmp_path / "folder.txt")


def test_what_no_database_takes_is_left_out() -> None:
    loaded = parse(b'{"title": "A\\u0000B", "fee": "5\\ud800 yuan", "x": "\\u0007"}', "json")
    assert loaded.title == "AB"
    assert [block.text for block in loaded.blocks] == ["title: AB; fee: 5 yuan; x: "]
    loaded.blocks[0].text.encode()


def test_an_office_file_of_pictures_alone_names_the_remedy() -> None:
    buffer = io.BytesIO()
    document = docx.Document()
    picture = io.BytesIO()
    Image.new("L", (20, 20)).save(picture, "PNG")
    document.add_picture(picture)
    document.save(buffer)
    with pytest.raises(LoadError, match=r"no text.*Save it as PDF to have its pictures read"):
        parse(buffer.getvalue(), "docx")
