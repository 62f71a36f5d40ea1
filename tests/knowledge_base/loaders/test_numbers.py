"""Numbers under format codes, as the program shows them."""

import pytest

from knowledge_base.loaders.numbers import shown_number, shown_text


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (731, "00000", "00731"),
        (5, '0"万元"', "5万元"),
        (5200.5, "[$€-407] #,##0.00", "€ 5,200.50"),
        (0.125, "0%", "13%"),
        (0.125, "0.0%", "12.5%"),
        (1.005, "0.00", "1.01"),  # as written, not as a computer stores it
        (-2.5, "0", "-3"),
        (-5, "#,##0.00_);(#,##0.00)", "(5.00)"),
        (0, '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', "-"),
        (1234567, "#,##0,", "1,235"),
        (1234567, '0.0,,"M"', "1.2M"),
        (5551234, "000-0000", "555-1234"),
        (0.375, "# ?/?", "3/8"),
        (12345, "0.00E+00", "1.23E+04"),
        (44, '[>=50]"高";[<50]"低"', "低"),
        (3, 'General"天"', "3天"),
        (0.1 + 0.2, "General", "0.3"),
        (7, ";;;", ""),
        (46023, 'yyyy"年"m"月"d"日"', "2026年1月1日"),
        (46023, "dd.mm.yyyy", "01.01.2026"),
        (46023, "mmm-yy", "Jan-26"),
        (46023.6, "h:mm AM/PM", "2:24 PM"),
        (46023.354166, "yyyy-mm-dd h:mm:ss", "2026-01-01 8:30:00"),
        (1.75, "[h]:mm", "42:00"),
        (-1, "yyyy-mm-dd", "-1"),
        (float("nan"), "0", ""),
    ],
)
def test_numbers(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


def test_days_since_1904_and_text_within_words() -> None:
    assert shown_number(44561, "yyyy-mm-dd", since_1904=True) == "2026-01-01"
    assert shown_text("甲", '"第"@"号"') == "第甲号"
    assert shown_text("plain", "0.00") == "plain"
