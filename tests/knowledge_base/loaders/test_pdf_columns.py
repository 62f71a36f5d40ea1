"""Lines whose pieces stand in columns are a table."""

from knowledge_base.loaders.pdf_columns import Piece, aligned_rows


def line(*places: tuple[float, float]) -> list[Piece]:
    return [Piece(f"{left:.0f}", left, right) for left, right in places]


def test_columns_are_found_whatever_their_alignment() -> None:
    lines = [line((0, 40), (100, 120)), line((10, 60), (80, 120)), line((0, 20), (110, 120))]
    assert aligned_rows(lines) == (("0", "100"), ("10", "80"), ("0", "110"))


def test_cells_may_be_missing() -> None:
    lines = [line((0, 40), (60, 90), (100, 120)), line((0, 60 - 10), (100, 120)), line((60, 80), (100, 120))]
    assert aligned_rows(lines) == (("0", "60", "100"), ("0", "", "100"), ("", "60", "100"))


def test_text_that_only_has_wide_gaps_is_no_table() -> None:
    assert aligned_rows([line((0, 40), (60, 90)), line((0, 70), (80, 90)), line((0, 20), (30, 90))]) is None
    assert aligned_rows([line((0, 40), (60, 90))] * 2) is None
    assert aligned_rows([line((0, 40))] * 5) is None
