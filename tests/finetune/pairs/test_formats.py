"""Every format of pairs and tasks, in every encoding, and what is said of files that are broken."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.pairs.formats import MAX_BYTES, Read, read_pairs, write_pairs
from finetune.pairs.values import Evidence, Pair, SplitName, Task
from finetune.report.words import sentence_of
from knowledge_base.errors import InputError, StorageError
from retrieval.prompt import Message

SAMPLES = Path(__file__).resolve().parents[3] / "samples" / "pairs"
GOOD = '{"question": "What is the fee?", "answer": "5 yuan"}'


def read(folder: Path, text: str | bytes, name: str = "p.txt", as_pairs: bool = False) -> Read:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pairs(file, as_pairs)


def reasons(found: Read) -> list[tuple[str, str]]:
    return [(entry.origin, sentence_of(entry.reason)) for entry in found.dropped]


# --- our own JSON Lines


@pytest.mark.parametrize(("language", "count", "unanswerable"), [("en", 212, 44), ("zh", 216, 42)])
def test_all_sample_pairs_are_read(language: str, count: int, unanswerable: int) -> None:
    found = read_pairs(SAMPLES / f"{language}.jsonl")
    assert (len(found.pairs), found.tasks, found.dropped) == (count, (), ())
    assert sum(not pair.answerable for pair in found.pairs) == unanswerable
    assert {pair.split for pair in found.pairs} == {"train", "test"}


def test_a_full_record_gives_all_fields(tmp_path: Path) -> None:
    record = {
        "id": "q1", "question": " Fee? ", "answer": "5", "answers": ["5 yuan", "5"],
        "sentence": "It is 5 yuan.", "kind": "fact", "split": "heldout",
        "evidence": [{"document": "a.pdf", "quote": "5 yuan"}, {"document": "b.pdf"}],
    }  # fmt: skip
    evidence = (Evidence("a.pdf", "5 yuan"), Evidence("b.pdf", ""))
    expected = Pair("q1", "Fee?", ("5", "5 yuan"), "It is 5 yuan.", evidence, "test", "p.txt:1")
    assert read(tmp_path, json.dumps(record)).pairs == (expected,)


def test_only_the_question_is_required_with_an_answer_or_word_that_there_is_none(tmp_path: Path) -> None:
    lines = [
        '{"question": "a?", "answers": []}',
        '{"question": "b?", "kind": "unanswerable"}',
        '{"question": "c?", "answer": "Not in the documents."}',
        '{"question": "d?", "answer": 3.350}',
        '{"question": "e?"}',
        '{"question": "f?", "answer": "", "kind": "fact"}',
        '{"question": "g?", "answer": "5", "kind": "unanswerable"}',
    ]
    found = read(tmp_path, "\n".join(lines))
    assert [(pair.question, pair.answers) for pair in found.pairs] == [
        ("a?", ()),
        ("b?", ()),
        ("c?", ()),
        ("d?", ("3.350",)),
    ]
    assert reasons(found) == [
        ("p.txt:5", "It has no answer."),
        ("p.txt:6", "It has no answer."),
        ("p.txt:7", "It is marked as unanswerable but has an answer."),
    ]
    assert [entry.question for entry in found.dropped] == ["e?", "f?", "g?"]


def test_ids_are_given_or_name_and_line_and_never_the_same(tmp_path: Path) -> None:
    ids = ["x", None, "x", "p.txt:2", "x#2", None]
    lines = [json.dumps({"question": "q?", "answer": "a"} | ({"id": id} if id else {})) for id in ids]
    found = read(tmp_path, "\n".join(lines))
    assert [pair.id for pair in found.pairs] == ["x", "p.txt:2#2", "x#3", "p.txt:2", "x#2", "p.txt:6"]


@given(st.lists(st.sampled_from(["a", "a#2", "b", "", "p.txt:1", "p.txt:2"]), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_ids_are_distinct_whatever_is_given(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    lines = [json.dumps({"id": id, "question": "q?", "answer": "a"}) for id in ids]
    found = [pair.id for pair in read(tmp_path_factory.mktemp("ids"), "\n".join(lines)).pairs]
    assert len(set(found)) == len(ids)
    assert {id for id in ids if id} <= set(found)


# --- tables


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.jsonl", "p"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "，"])
@pytest.mark.parametrize(
    "header",
    [
        ("question", "answer", "sentence", "document", "quote"),
        (" Question ", "ANSWER", "Full Answer", "File", "Quotation"),
        ("问题", "答案", "完整回答", "文档", "原文"),
    ],
)
def test_columns_are_known_by_many_names(
    tmp_path: Path, name: str, delimiter: str, header: Sequence[str]
) -> None:
    rows = [
        delimiter.join(header),
        delimiter.join(["年费？", "680元", "年费是680元。", "费/价.pdf", "680元"]),
    ]
    found = read(tmp_path, "\r\n".join(rows), name)
    evidence = (Evidence("费/价.pdf", "680元"),)
    assert found.pairs == (
        Pair(f"{name}:2", "年费？", ("680元",), "年费是680元。", evidence, "", f"{name}:2"),
    )


def test_rows_know_their_lines_and_quoted_cells_may_have_several(tmp_path: Path) -> None:
    found = read(tmp_path, '\n\nq,a,notes\n"What\nis, it?","5, or 6",x\n\nWhy?,Because.,\n')
    assert [(pair.id, pair.question, pair.answers) for pair in found.pairs] == [
        ("p.txt:4", "What\nis, it?", ("5, or 6",)),
        ("p.txt:7", "Why?", ("Because.",)),
    ]


def test_a_table_may_have_several_answers_unanswerable_rows_and_splits(tmp_path: Path) -> None:
    found = read(tmp_path, "question,answers,type,split\na?,5|5 yuan,,test\nb?,,unanswerable,train\nc?,,,\n")
    assert [(pair.answers, pair.split) for pair in found.pairs] == [
        (("5", "5 yuan"), "test"),
        ((), "train"),
    ]
    assert reasons(found) == [("p.txt:4", "It has no answer.")]


def test_a_broken_row_spoils_no_other(tmp_path: Path) -> None:
    text = 'question,answer\na?,1\n"b?,2\nc?,3,too,many\n"d" ?,4\n,5\ne?,"5"\n'
    found = read(tmp_path, text)
    assert [pair.question for pair in found.pairs] == ["a?", "e?"]
    assert [entry.origin for entry in found.dropped] == ["p.txt:3", "p.txt:4", "p.txt:5", "p.txt:6"]
    assert all("Line 3 is broken" in reason for origin, reason in reasons(found) if origin == "p.txt:3")
    assert reasons(found)[1] == ("p.txt:4", "Line 4 has 4 columns, the header 2.")
    assert reasons(found)[3] == ("p.txt:6", "It has no question.")


def test_a_table_of_broken_rows_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="More than 1000 rows are broken"):
        read(tmp_path, "question,answer\n" + '"a,b\n' * 2000)


# --- alpaca


def test_alpaca_without_input_is_a_pair_and_with_input_a_task(tmp_path: Path) -> None:
    records = [
        {"instruction": "How do I block my card?", "input": "", "output": "Call 400-800-9911."},
        {"instruction": "Fee?", "output": "5 yuan", "document": "fees.pdf", "prompt": "unused"},
        {"instruction": "Summarise.", "input": "A long text.", "output": "Short."},
        {"instruction": "And?", "output": "No.", "system": "Be brief.", "history": [["Hi", "Hello"]]},
        {"instruction": "Why?", "output": ""},
        {"instruction": "", "output": "x"},
        {"instruction": "Why?", "output": "x", "history": ["a"]},
    ]
    found = read(tmp_path, json.dumps(records, indent=1))
    assert [(p.question, p.answers, p.sentence, p.evidence) for p in found.pairs] == [
        ("How do I block my card?", ("Call 400-800-9911.",), "Call 400-800-9911.", ()),
        ("Fee?", ("5 yuan",), "", (Evidence("fees.pdf", ""),)),
    ]
    assert [(task.id, task.messages, task.reply) for task in found.tasks] == [
        ("p.txt:13", (Message("user", "Summarise.\n\nA long text."),), "Short."),
        (
            "p.txt:18",
            (
                Message("system", "Be brief."),
                Message("user", "Hi"),
                Message("assistant", "Hello"),
                Message("user", "And?"),
            ),
            "No.",
        ),
    ]
    assert [reason for _, reason in reasons(found)] == [
        "It has no answer.",
        "It has no instruction.",
        "Its history is not a list of questions and answers.",
    ]


# --- conversations


def chat(*turns: tuple[str, str]) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def shared(*turns: tuple[str, str]) -> dict[str, object]:
    return {"conversations": [{"from": role, "value": content} for role, content in turns], "id": "s"}


@pytest.mark.parametrize(
    "record", [chat(("user", "Fee?"), ("assistant", "5.")), shared(("human", "Fee?"), ("gpt", "5."))]
)
def test_conversations_are_tasks_or_pairs_if_wanted(tmp_path: Path, record: dict[str, object]) -> None:
    text = json.dumps(record)
    id = record.get("id", "p.txt:1")
    task = Task(str(id), (Message("user", "Fee?"),), "5.", "", "p.txt:1")
    assert read(tmp_path, text) == Read((), (task,), ())
    pair = Pair(str(id), "Fee?", ("5.",), "5.", (), "", "p.txt:1")
    assert read(tmp_path, text, as_pairs=True) == Read((pair,), (), ())


def test_the_reply_is_the_last_turn_of_the_assistant(tmp_path: Path) -> None:
    long = chat(
        ("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")
    )
    found = read(
        tmp_path, json.dumps([long, shared(("human", "x"), ("gpt", "y")) | {"system": "T"}]), as_pairs=True
    )
    (task,) = found.tasks
    assert [message.content for message in task.messages] == ["S", "a", "b", "c"]
    assert task.reply == "d"
    assert [pair.question for pair in found.pairs] == ["x"]
    (_, with_system) = read(tmp_path, (tmp_path / "p.txt").read_bytes()).tasks
    assert with_system.messages[0] == Message("system", "T")


def test_texts_in_parts_are_joined(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    record = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "r"}]}
    assert read(tmp_path, json.dumps(record)).tasks[0].messages == (Message("user", "one\ntwo"),)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (chat(("user", "a")), "It has no reply of the assistant to a user."),
        (chat(("assistant", "a")), "It has no reply of the assistant to a user."),
        (chat(), "It has no reply of the assistant to a user."),
        (chat(("user", ""), ("assistant", "a")), "One of its turns is empty."),
        (chat(("tool", "a"), ("assistant", "a")), "One of its turns has the role 'tool'."),
        ({"messages": "hello"}, "Its turns are not a list."),
        ({"messages": ["hello"]}, "One of its turns is not an object."),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "One of its turns contains something other than text."),
        ({"messages": [{"role": "user", "content": {"a": 1}}]}, "Its content is an object, not text."),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "Its role is a list, not text."),
    ],
)  # fmt: skip
def test_conversations_that_are_no_use_are_dropped(tmp_path: Path, record: object, reason: str) -> None:
    assert reasons(read(tmp_path, f"{GOOD}\n{json.dumps(record)}")) == [("p.txt:2", reason)]


# --- what can be wrong with a record


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"question": 5, "answer": ["5"]}, "Its answer is a list, not text."),
        ({"question": True, "answer": "5"}, "Its question is true, not text."),
        ({"question": {"a": 1}, "answer": "5"}, "Its question is an object, not text."),
        ({"question": "  ", "answer": "5"}, "It has no question."),
        ({"question": None, "answer": "5"}, "It has no question."),
        ({"question": "q?", "answers": {"a": 1}}, "Its answers are an object, not a list."),
        ({"question": "q?", "answers": [["a"]]}, "Its answers is a list, not text."),
        ({"question": "q?", "answer": "a", "evidence": [True]},
         "Its evidence holds true where a document and a quote belong."),
        ({"question": "q?", "answer": "a", "evidence": [{"document": []}]},
         "Its document is a list, not text."),
        ({"question": "q?", "answer": "a", "split": "blue"}, "Its split is 'blue'."),
        ({"question": "q?", "answer": "\ud800"},
         "Its answer holds characters that cannot be read, as of another encoding."),
        (["question"], "It is not an object with a question and an answer."),
        ("text", "It is not an object with a question and an answer."),
        ({"title": "t", "paragraphs": []}, "Its fields match no known format: title, paragraphs."),
        ({}, "Its fields match no known format: none."),
    ],
)  # fmt: skip
def test_fields_of_a_wrong_type_drop_their_record_only(tmp_path: Path, record: object, reason: str) -> None:
    found = read(tmp_path, f"{GOOD}\n{json.dumps(record)}\n{GOOD}")
    assert [pair.id for pair in found.pairs] == ["p.txt:1", "p.txt:3"]
    assert reasons(found) == [("p.txt:2", reason)]


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [GOOD, '{"question": "a?", "answer": ', "", GOOD, "[" * 200_000, "null", "9" * 5000]
    found = read(tmp_path, "\n".join(lines))
    assert [pair.id for pair in found.pairs] == ["p.txt:1", "p.txt:4"]
    assert reasons(found)[0] == ("p.txt:2", "Line 2 is not JSON: Expecting value.")
    assert [origin for origin, _ in reasons(found)] == ["p.txt:2", "p.txt:5", "p.txt:6", "p.txt:7"]


def test_line_separators_inside_of_strings_divide_no_line(tmp_path: Path) -> None:
    record = json.dumps({"question": "a\u2028b\x85c?", "answer": "5"}, ensure_ascii=False)
    assert read(tmp_path, f"{record}\n{GOOD}").pairs[0].question == "a\u2028b\x85c?"


def test_evidence_may_be_written_more_simply(tmp_path: Path) -> None:
    lines = [
        '{"question": "q?", "answer": "a", "evidence": {"document": "a.md", "quote": "x"}}',
        '{"question": "q?", "answer": "a", "evidence": ["a.md", "b.md", "a.md"]}',
        '{"question": "q?", "answer": "a", "evidence": "the a"}',
        '{"问题": "q?", "答案": "a", "文档": "a.md"}',
    ]
    assert [pair.evidence for pair in read(tmp_path, "\n".join(lines)).pairs] == [
        (Evidence("a.md", "x"),),
        (Evidence("a.md", ""), Evidence("b.md", "")),
        (Evidence("", "the a"),),
        (Evidence("a.md", ""),),
    ]


# --- files that cannot be used


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "p.txt is empty."),
        (b" \n\n", "p.txt is empty."),
        (b"\xef\xbb\xbf", "p.txt is empty."),
        (bytes(range(256)) * 20, "p.txt is not text"),
        (b"[]", "p.txt holds no pair."),
        (b"question,answer\n", "p.txt holds no pair."),
        (b"Dear all,\nplease find attached", "No column of the first line is called question: 'Dear all,'"),
        (b"title,text\na,b", "No column of the first line is called question: 'title,text'"),
        (b'{"a": 1}', "of p.txt can be used. The first, in line 1: Its fields match no known"),
        (b'\n{"question": "a?"}\n{"question"', "None of the 2 records of p.txt can be used."),
        (b'[{"question": "a?", "answer": "b"},\n{"question" "a"}]', "p.txt: Line 2 is not JSON"),
        (b'[{"question": "a?", "answer": "b"}\n{"question": "a"}]', "Line 2 is not JSON: a comma or"),
        (b'[{"question": "a?", "answer": "b"}] x', "Line 1 is not JSON: there is text after the array"),
        (b'[{"question": "a?", "answer": "b"},', "Line 1 is not JSON: Expecting value"),
        (b"[" * 100_000, "Line 1 is not JSON: too many brackets"),
    ],
)  # fmt: skip
def test_a_file_with_nothing_to_use_is_one_clear_error(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, content)
    assert cause in raised.value.cause
    assert raised.value.remedy


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, '{"version": "1.1", "data": []}')
    for format in ("JSON Lines", "CSV", "alpaca", "sharegpt", "messages"):
        assert format in raised.value.remedy


def test_a_missing_file_a_folder_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_pairs(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="There is no file"):
        read_pairs(tmp_path)
    large = tmp_path / "large.jsonl"
    large.touch()
    os.truncate(large, MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 256 MB"):
        read_pairs(large)


# --- encodings

RECORDS = [
    {
        "question": "白金卡今年的年费是多少？",
        "answer": "六百八十元",
        "evidence": ["收费/2026年服务收费标准.pdf"],
    },
    {"question": "老人去世后存款多少以下可以不公证？", "answer": "5万元"},
    {"question": "What is the fee?", "answer": "5 yuan"},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("layout", ["lines", "array", "table"])
def test_every_encoding_gives_the_same(tmp_path: Path, encoding: str, layout: str) -> None:
    if layout == "table":
        text = "问题,答案\n" + "".join(f"{record['question']},{record['answer']}\n" for record in RECORDS)
    elif layout == "array":
        text = json.dumps(RECORDS, ensure_ascii=False, indent=2)
    else:
        text = "\r\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)
    found = read(tmp_path, text.encode(encoding))
    assert [(pair.question, pair.answers) for pair in found.pairs] == [
        (record["question"], (record["answer"],)) for record in RECORDS
    ]


@pytest.mark.parametrize("encodings", [("utf-8", "gb18030", "utf-8"), ("gb18030", "utf-8", "utf-8")])
def test_lines_of_two_encodings_are_each_read_in_theirs(tmp_path: Path, encodings: Sequence[str]) -> None:
    lines = [
        json.dumps(record, ensure_ascii=False).encode(encoding)
        for record, encoding in zip(RECORDS, encodings, strict=True)
    ]
    found = read(tmp_path, b"\n".join(lines))
    assert [pair.question for pair in found.pairs] == [record["question"] for record in RECORDS]


def test_a_damaged_line_among_good_ones_is_dropped_and_named(tmp_path: Path) -> None:
    lines = [json.dumps(record, ensure_ascii=False).encode() for record in RECORDS * 5]
    lines[3] = lines[3].replace("年费".encode(), b"\xff\xfe\xfa")
    found = read(tmp_path, b"\n".join(lines))
    assert len(found.pairs) == len(lines) - 1
    assert reasons(found) == [
        ("p.txt:4", "Its question holds characters that cannot be read, as of another encoding.")
    ]


# --- writing

TEXT = st.text("aZ0 \"'\\,;|:{}[]/é年费？\u2028\u3000🏦", max_size=12).map(str.strip)
FILLED = TEXT.filter(bool)


@st.composite
def some_pairs(draw: st.DrawFn) -> list[Pair]:
    ids = draw(st.lists(FILLED, max_size=4, unique=True, min_size=1))
    parts: list[SplitName] = ["", "train", "test"]
    return [
        Pair(
            id=id,
            question=draw(FILLED),
            answers=tuple(draw(st.lists(FILLED, max_size=3, unique=True))),
            sentence=draw(TEXT),
            evidence=tuple(draw(st.lists(st.builds(Evidence, FILLED, TEXT), max_size=2, unique=True))),
            split=draw(st.sampled_from(parts)),
            origin=draw(FILLED),
        )
        for id in ids
    ]


@given(some_pairs())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair]) -> None:
    file = tmp_path_factory.mktemp("written") / "pairs.jsonl"
    write_pairs(pairs, file)
    assert read_pairs(file) == Read(tuple(pairs), (), ())


def test_tasks_are_written_as_messages_and_read_again(tmp_path: Path) -> None:
    asked = (Message("system", "Extract the fee."), Message("user", "Gold: 200 yuan"))
    tasks = (Task("t1", asked, '{"fee": 200}', "test", "faq.jsonl:3"), Task("t2", asked[1:], "200"))
    file = tmp_path / "pairs.jsonl"
    write_pairs([Pair("p", "q?", ("a",), origin="x:1"), *tasks], file)
    found = read_pairs(file)
    assert [pair.id for pair in found.pairs] == ["p"]
    assert [(task.id, task.messages, task.reply, task.split) for task in found.tasks] == [
        (task.id, task.messages, task.reply, task.split) for task in tasks
    ]
    assert found.tasks[0].origin == "faq.jsonl:3"


def test_writing_leaves_the_file_whole_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    write_pairs([Pair("1", "q?", ("a",))], file)
    write_pairs([Pair("2", "半\ud800?", ())], file)
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]
    assert [pair.id for pair in read_pairs(file).pairs] == ["2"]
    with pytest.raises(StorageError, match="cannot be written"):
        write_pairs([Pair("1", "q?", ("a",))], tmp_path / "missing" / "pairs.jsonl")


PIECES = st.sampled_from([
    GOOD.encode(), b"\n", b"\r\n", b"question,answer\n", b'"', b",", b"[", b"]", b"{", b"}", b": ", b"\x00",
    b'{"messages": [{"role": "user", "content": "a"}]}', b'{"instruction": "a", "output": 5}',
    b"\xef\xbb\xbf", b"\xff\xfe",
    "问题,答案\n年费？,5元\n".encode("gb18030"), "年费？,5元\n".encode(), b"\\ud800", b"1e999",
])  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=10).map(b"".join), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_file_is_read_or_refused_with_a_cause_and_a_remedy(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, as_pairs: bool
) -> None:
    try:
        found = read(tmp_path_factory.mktemp("any"), content, as_pairs=as_pairs)
    except InputError as error:
        assert "p.txt" in error.cause
        assert error.remedy
    else:
        assert found.pairs or found.tasks
