"""Files become passages that cover the text, keep their order and budget, and cross no border."""

import itertools
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_base.chunking import Chunked, Chunking, chunk, places
from knowledge_base.values import Block, LoadedFile
from tests.fakes import words


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(words(text)) + 2 for text in texts]


def count_letters(texts: Sequence[str]) -> list[int]:
    """Harder than any tokenizer: white space counts too, so that parts add up to less than the whole."""
    return [len(text) for text in texts]


def cut(blocks: Sequence[Block], limit: int = 64, title: str = "") -> Chunked:
    return chunk(LoadedFile(title, tuple(blocks)), "folder/name.md", Chunking(count_words, limit))


def heading(text: str, level: int = 1, page: int | None = None) -> Block:
    return Block(text, "heading", level, page)


def test_a_short_document_is_one_passage() -> None:
    made = cut([heading("Fees"), Block("The fee is 5 yuan."), Block("It is due in May.")])
    assert [passage.text for passage in made.passages] == ["Fees\nThe fee is 5 yuan.\nIt is due in May."]
    assert made.passages[0].heading == ("Fees",)
    assert made.title == "Fees"


def test_the_title_is_the_loaders_then_the_first_heading_then_the_stem() -> None:
    assert cut([heading("A"), Block("b")], title="T").title == "T"
    assert cut([Block("b"), heading("A"), Block("c")]).title == "A"
    assert cut([Block("b")]).title == "name"


def test_top_headings_divide_and_smaller_sections_are_packed() -> None:
    made = cut(
        [
            heading("Bank", 1),
            heading("Cards", 2),
            heading("Gold", 3),
            Block("Gold costs 200."),
            heading("Silver", 3),
            Block("Free."),
            heading("Loans", 2),
            Block("Ask us."),
        ]
    )
    assert [passage.text for passage in made.passages] == [
        "Bank\nCards\nGold\nGold costs 200.\nSilver\nFree.",
        "Loans\nAsk us.",
    ]
    assert [passage.heading for passage in made.passages] == [("Bank", "Cards"), ("Bank", "Loans")]


def test_pages_divide() -> None:
    made = cut([Block("One.", page=1), Block("Two.", page=1), Block("Three.", page=2)])
    assert [(passage.text, passage.page) for passage in made.passages] == [("One.\nTwo.", 1), ("Three.", 2)]


def test_a_note_of_what_was_not_read_is_in_the_text_and_in_no_passage() -> None:
    made = cut(
        [Block("One.", page=1), Block("[Page 2 is damaged.]", "note", page=2), Block("Three.", page=3)]
    )
    assert made.text == "One.\n[Page 2 is damaged.]\nThree."
    assert [(passage.text, passage.page) for passage in made.passages] == [("One.", 1), ("Three.", 3)]


def test_rows_stay_whole_and_share_passages() -> None:
    rows = [Block(f"Card: Card number {n}; Fee: {n} yuan a year; Limit: {n} yuan", "row") for n in range(20)]
    made = cut([heading("Fees"), *rows], limit=40)
    lines = [line for passage in made.passages for line in passage.text.split("\n")]
    assert lines == ["Fees", *(row.text for row in rows)]
    assert len(made.passages) < 20


def test_a_row_over_the_budget_is_cut_between_its_cells() -> None:
    row = Block("; ".join(f"Column {n}: value number {n}" for n in range(30)), "row")
    made = cut([row], limit=32)
    assert len(made.passages) > 1
    assert all(passage.text.startswith("Column") for passage in made.passages)


def test_a_long_sentence_is_cut_at_clauses_then_words_then_letters() -> None:
    clauses = "，".join(["这是一个相当长的分句没有句号"] * 12)
    assert all(passage.text.endswith("，") for passage in cut([Block(clauses)], 40).passages[:-1])
    plain = " ".join(f"word{n}" for n in range(200))
    made = cut([Block(plain)], 40)
    assert " ".join(passage.text for passage in made.passages) == plain
    letters = "字" * 500
    assert "".join(passage.text for passage in cut([Block(letters)], 40).passages) == letters


def test_passages_of_a_section_are_of_similar_length() -> None:
    text = " ".join(f"Sentence number {n} has exactly nine words in it." for n in range(12))
    sizes = count_words([passage.text for passage in cut([Block(text)], 100).passages])
    assert max(sizes) < 2 * min(sizes)


def test_a_list_stays_with_the_line_that_announces_it_where_it_can() -> None:
    filler = Block(" ".join(f"Filler sentence {n} is here." for n in range(6)))
    items = [Block(f"- item number {n} of the list") for n in range(4)]
    made = cut([filler, Block("You need the following papers:"), *items], 48)
    announcing = next(passage.text for passage in made.passages if "following papers" in passage.text)
    assert "item number 0" in announcing


def test_long_titles_and_headings_leave_room_for_text() -> None:
    blocks = [heading("heading " * 60, 1), heading("second " * 60, 2), Block("text here " * 40)]
    made = cut(blocks, limit=32, title="title " * 60)
    assert all(count <= 32 for count in count_words([passage.indexed_text for passage in made.passages]))


def test_too_small_a_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Chunking(count_words, 4)


def test_megabytes_take_seconds_and_few_counts() -> None:
    calls = 0

    def counting(texts: Sequence[str]) -> list[int]:
        nonlocal calls
        calls += 1
        return [len(text) // 4 for text in texts]

    paragraph = "The customer pays the fee of 25 yuan before the first of May, unless it was waived. " * 10
    blocks = [
        block for n in range(5_000) for block in (heading(f"Section {n}", 2), Block(f"{n}. {paragraph}"))
    ]
    began = time.process_time()
    made = chunk(LoadedFile("Long", tuple(blocks)), "long.txt", Chunking(counting))
    assert len(made.text) > 4_000_000
    assert time.process_time() - began < 12
    assert calls < 12


TEXT = st.text(alphabet="ab中文 ，。；.;:\n字", min_size=1, max_size=120)
BLOCKS = st.lists(
    st.one_of(
        st.builds(Block, TEXT),
        st.builds(Block, TEXT, st.just("row")),
        st.builds(Block, TEXT, st.just("heading"), st.integers(1, 4)),
    ),
    max_size=25,
)
PAGED = st.builds(
    lambda pages: [
        Block(block.text, block.kind, block.level, number)
        for number, blocks in enumerate(pages, start=1)
        for block in blocks
    ],
    st.lists(BLOCKS, min_size=1, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(BLOCKS, PAGED), st.integers(24, 120), st.sampled_from([count_words, count_letters]))
def test_passages_keep_every_promise(blocks: list[Block], limit: int, count: object) -> None:
    assert callable(count)
    made = chunk(LoadedFile("", tuple(blocks)), "n.txt", Chunking(count, limit))
    covered = "".join("".join(passage.text.split()) for passage in made.passages)
    assert covered == "".join("".join(block.text.split()) for block in blocks)
    assert [passage.ordinal for passage in made.passages] == list(range(len(made.passages)))
    for passage in made.passages:
        assert passage.text == made.text[passage.start : passage.end] == passage.text.strip()
        assert count([passage.indexed_text])[0] <= limit
    for first, second in itertools.pairwise(made.passages):
        assert first.end <= second.start
    _crosses_nothing(made, [block for block in blocks if block.text.strip()])


def _crosses_nothing(made: Chunked, blocks: list[Block]) -> None:
    regions: list[tuple[int, int, int, int | None]] = []
    offset = 0
    for block, place in zip(blocks, places(blocks), strict=True):
        regions.append((offset, offset + len(block.text), place.region, block.page))
        offset += len(block.text) + 1
    for passage in made.passages:
        inside = [item for item in regions if item[0] < passage.end and item[1] > passage.start]
        inside = [
            item
            for item in inside
            if made.text[max(item[0], passage.start) : min(item[1], passage.end)].strip()
        ]
        assert len({region for _, _, region, _ in inside}) == 1
        assert {page for _, _, _, page in inside} == {passage.page}


@settings(max_examples=100, deadline=None)
@given(BLOCKS)
def test_a_heading_never_ends_a_passage_while_text_follows_in_its_region(blocks: list[Block]) -> None:
    blocks = [block for block in blocks if block.text.strip()]
    made = chunk(LoadedFile("T", tuple(blocks)), "n.txt", Chunking(count_words, 400))
    ends = {}
    offset = 0
    for block, place in zip(blocks, places(blocks), strict=True):
        ends[offset + len(block.text.rstrip())] = (block.kind, place.region)
        offset += len(block.text) + 1
    last_of_region = {region: end for end, (_, region) in ends.items()}
    for passage in made.passages:
        kind, region = ends.get(passage.end, ("text", -1))
        assert kind != "heading" or last_of_region[region] == passage.end
