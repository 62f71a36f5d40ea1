"""Draws: as many as wanted, in their order, decided by the seed."""

from finetune.draw import draw

ENTRIES = [f"entry {number}" for number in range(50)]


def test_so_many_are_drawn_from_everywhere_in_their_order() -> None:
    drawn = draw(ENTRIES, 10, seed=0)
    assert len(drawn) == len(set(drawn)) == 10
    assert drawn == [entry for entry in ENTRIES if entry in drawn]
    assert drawn != ENTRIES[:10]


def test_the_seed_decides_which() -> None:
    assert draw(ENTRIES, 10, seed=1) == draw(ENTRIES, 10, seed=1) != draw(ENTRIES, 10, seed=2)


def test_all_are_drawn_where_there_are_no_more() -> None:
    assert draw(ENTRIES, 80, seed=0) == ENTRIES
    assert draw([], 3, seed=0) == []
