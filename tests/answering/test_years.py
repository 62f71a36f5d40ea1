"""This year's document is read before last year's, and nothing else changes."""

import pytest

from answering.years import right_years_first
from knowledge_base.values import Passage
from retrieval.retriever import Ranked

# Path, title and heading of each document, as the search ranks them.
FOUND = (
    ("fees/list-2025.pdf", "Fees", ()),
    ("fees/list.pdf", "2025年收费标准", ()),
    ("fees/list.docx", "Fees", ("Cards, 2026",)),
    ("cards/120260.txt", "Cards", ()),
    ("fees/list-2026.pdf", "Fees", ()),
)


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("What does the card cost this year (2026)?", (2, 3, 4, 0, 1)),
        ("白金卡去年（2025年）的年费是多少？", (0, 1, 3, 2, 4)),
        ("Did the fee change between 2025 and 2026?", (0, 1, 2, 3, 4)),
        ("What does the card cost?", (0, 1, 2, 3, 4)),
        ("Call 12026 or 20260.", (0, 1, 2, 3, 4)),
    ],
)
def test_documents_of_other_years_come_last(question: str, order: tuple[int, ...]) -> None:
    ranked = [
        Ranked(Passage(path, 0, "The platinum card.", 0, 18, title=title, heading=heading), 1.0 / place)
        for place, (path, title, heading) in enumerate(FOUND, 1)
    ]
    assert right_years_first(question, ranked) == tuple(ranked[place] for place in order)
