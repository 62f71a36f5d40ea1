"""JSON: objects as rows, long texts as paragraphs."""

import json

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.records import load_json, load_json_lines
from knowledge_base.notes import Note
from knowledge_base.values import LoadedFile


def dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def pairs(loaded: LoadedFile) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in loaded.blocks]


def test_objects_become_rows_and_lists_of_them_sections() -> None:
    loaded = load_json(
        b'{"name": "Cards", "rate": 3.350, "on": true, "none": null, "tags": ["a", "b"], '
        b'"cards": [{"card": "Gold", "fee": {"home": 200}}, {"card": "Silver"}]}'
    )
    assert loaded.title == "Cards"
    assert pairs(loaded) == [
        ("row", "name: Cards; rate: 3.350; on: true; tags: a, b"),
        ("heading", "cards"),
        ("row", "card: Gold; fee.home: 200"),
        ("row", "card: Silver"),
    ]


def test_chinese_fields() -> None:
    assert pairs(load_json(dump([{"卡种": "金卡", "年费": 200}]))) == [("row", "卡种：金卡；年费：200")]


def test_long_texts_are_paragraphs_under_their_title() -> None:
    text = "First paragraph.\n\nSecond paragraph."
    assert pairs(load_json_lines(dump({"title": "Loans", "id": 7, "text": text}))) == [
        ("heading", "Loans"),
        ("row", "title: Loans; id: 7"),
        ("text", "First paragraph."),
        ("text", "Second paragraph."),
    ]


def test_plain_values() -> None:
    assert pairs(load_json(b'["a", 2, {"b": "c"}]')) == [("text", "a"), ("text", "2"), ("row", "b: c")]


def test_json_lines_skip_blank_lines_and_name_bad_ones() -> None:
    assert pairs(load_json_lines(b'{"a": 1}\n\n{"a": 2}\n')) == [("row", "a: 1"), ("row", "a: 2")]
    loaded = load_json_lines(b'{"a": 1}\n{"a": \n')
    assert [block.text for block in loaded.blocks] == ["a: 1"]
    assert loaded.notes == (Note("part_damaged", name="line 2"),)
    with pytest.raises(LoadError, match="Line 1 is not JSON"):
        load_json_lines(b'{"a": \n')


def test_one_value_per_line_under_the_suffix_of_one_value() -> None:
    assert pairs(load_json(b'{"a": 1}\n{"a": 2}\n')) == [("row", "a: 1"), ("row", "a: 2")]


def test_a_damaged_file_is_named_with_its_line() -> None:
    with pytest.raises(LoadError, match="Line 2 is not JSON"):
        load_json(b'{"a": 1,\n "b" 2}')


def test_what_is_nested_too_deeply_is_read_as_it_is_written() -> None:
    deep = b'{"a":' * 50_000 + b'"inside"' + b"}" * 50_000
    loaded = load_json(deep)
    assert "inside" in loaded.blocks[0].text
    assert loaded.notes == (Note("nesting_flattened"),)
    loaded = load_json_lines(b'{"a": 1}\n' + deep + b'\n{"a": 2}\n')
    assert [block.text for block in (loaded.blocks[0], loaded.blocks[-1])] == ["a: 1", "a: 2"]
    assert loaded.notes == (Note("nesting_flattened"),)


def test_long_paths_of_names_do_not_fill_the_memory() -> None:
    fields = b",".join(b'"k%d":1' % number for number in range(50_000))
    assert [note.kind for note in load_json(b'{"a":' * 900 + b"{" + fields + b"}" * 901).notes] == [
        "text_cut"
    ]
