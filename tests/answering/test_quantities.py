"""Numbers with their units, in digits and in words, and the ranges that sentences set."""

import pytest

from answering.quantities import quantities_in, ranges_in, value_of, years_in


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("a bond of 1,250.50 yuan", 1250.5, "yuan"),
        ("after four years", 1460, "time"),
        ("twenty-five days", 25, "time"),
        ("three hundred and forty-two pages", 342, ""),
        ("aged 67", 67, "age"),
        ("押金为三万二千元", 32000, "yuan"),
        ("押金为三万二元", 32000, "yuan"),
        ("完成率为百分之六十二点五", 62.5, "percent"),
        ("限速６０公里", 60, "length"),
        ("晚上七点四十分关门", 460, "clock"),
        ("下午三点半开始", 210, "clock"),
        ("open until 18:30", 1110, "clock"),
    ],
)
def test_a_number_is_read_with_its_unit(text: str, value: float, dimension: str) -> None:
    (found,) = quantities_in(text)
    assert (found.value, found.dimension) == (pytest.approx(value), dimension)


@pytest.mark.parametrize(
    "text", ["the list of 2026", "2026年3月5日起执行", "on 12 May", "一个月票", "no one", "一年多少钱"]
)
def test_dates_and_words_are_no_quantities(text: str) -> None:
    assert quantities_in(text) == ()


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("once the contract has run for 3 years", "4 years", "2 years"),
        ("free for the first 90 minutes", "1 hour", "2 hours"),
        ("cancel up to 24 hours before the start", "48 hours", "3 hours"),
        ("between 18 and 65 years old", "aged 30", "aged 70"),
        ("no more than two boxes", "1 boxes", "3 boxes"),
        ("余额超过5万元", "6万元", "4万元"),
        ("年满16周岁", "18岁", "12岁"),
        ("三天以内", "2天", "5天"),
        ("每月前4笔免费", "3笔", "5笔"),
    ],
)
def test_a_range_holds_what_is_in_it(text: str, inside: str, outside: str) -> None:
    (found,) = ranges_in(text)
    assert found.holds(quantities_in(inside)[0])
    assert not found.holds(quantities_in(outside)[0])


def test_years_of_the_calendar_and_cells_without_a_price() -> None:
    assert years_in("between 2025 and 2026年") == {"2025", "2026"}
    assert [value_of(text) for text in ("free", "免费", "12.5%", "on request")] == [0, 0, 12.5, None]
