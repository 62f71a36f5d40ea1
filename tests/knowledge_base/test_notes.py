"""What was not read, in words."""

from typing import get_args

import pytest

from knowledge_base.notes import Language, Note, NoteKind, notes_as_json, notes_of


@pytest.mark.parametrize("kind", get_args(NoteKind))
def test_every_kind_has_words_in_both_languages(kind: NoteKind) -> None:
    note = Note(kind, count=12_345, pages=(2,), name="word/footnotes.xml")
    texts = [note.text(language) for language in ("en", "zh")]
    assert texts[0] != texts[1]
    assert all("{" not in text and text.endswith((".", "。", "�。")) for text in texts)


@pytest.mark.parametrize(
    ("pages", "language", "shown"),
    [
        ((2,), "en", "not read: page 2."),
        ((2, 5, 6, 7), "en", "not read: pages 2, 5–7."),
        ((1, 2, 4), "zh", "第 1–2, 4 页"),
    ],
)
def test_pages_are_drawn_together(pages: tuple[int, ...], language: Language, shown: str) -> None:
    assert shown in Note("pages_damaged", pages=pages).text(language)


def test_notes_come_back_as_they_were_stored() -> None:
    notes = (Note("pages_damaged", pages=(2, 3)), Note("part_damaged", name="附件.docx"), Note("text_cut", 9))
    assert notes_of(notes_as_json(notes)) == notes
    assert notes_of(notes_as_json(())) == ()
