"""Sentence spans in English, Chinese and mixed text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.sentences import sentence_spans

ALPHABET = "ab AB 中文，。！？；…：“”（）()\"'.!?;:\n\r\t 0123%e.g.Mr.No.\u2028\u3000-•"


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Li met Dr. Wu e.g. on 5 May.", ["Mr. Li met Dr. Wu e.g. on 5 May."]),
        ("The rate is 3.35 % a year. It rose.", ["The rate is 3.35 % a year.", "It rose."]),
        ("See No. 5. No. You cannot.", ["See No. 5.", "No.", "You cannot."]),
        ("It cites Brown v. Board. It won.", ["It cites Brown v. Board.", "It won."]),
        ("1.2 The fee is due. 1.3 It is not.", ["1.2 The fee is due.", "1.3 It is not."]),
        ("1. First. (a) x", ["1. First.", "(a) x"]),
        ("J. Smith of the U.S. Treasury left.", ["J. Smith of the U.S. Treasury left."]),
        ("It opens at 9 a.m. The hall is warm.", ["It opens at 9 a.m.", "The hall is warm."]),
        ('"Really?" he said. "Yes." (He left.) So', ['"Really?" he said.', '"Yes."', "(He left.)", "So"]),
        ("Visit www.bank.example.com. Or call", ["Visit www.bank.example.com.", "Or call"]),
        ("年费680元。“可以吗？”他问；好的……走了", ["年费680元。", "“可以吗？”", "他问；", "好的……", "走了"]),
        ("利率为3.35%。（自今年起）", ["利率为3.35%。", "（自今年起）"]),
        ("第一行\n第二行", ["第一行", "第二行"]),
        ("完成.下一步", ["完成.", "下一步"]),
        ("使用Harbour App登录。OK? 好", ["使用Harbour App登录。", "OK?", "好"]),
        ("", []),
        (" \n\t\u3000", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_table_row_is_one_sentence() -> None:
    assert sentences("卡种：白金卡；年费：680元；备注：首年免") == ["卡种：白金卡；年费：680元；备注：首年免"]
    assert sentences("Card: Platinum; Fee: 680") == ["Card: Platinum; Fee: 680"]


def test_semicolons_end_clauses_outside_of_rows() -> None:
    assert sentences("甲方应付款；乙方应收款。") == ["甲方应付款；", "乙方应收款。"]


def test_long_lines_do_not_take_quadratic_time() -> None:
    text = "甲方应付；" * 40_000 + "e.g. x. " * 40_000
    assert len(sentence_spans(text)) == 80_000 - 39_999


@given(st.text(alphabet=ALPHABET, max_size=200))
def test_spans_cover_all_that_is_not_white_space_in_order(text: str) -> None:
    spans = sentence_spans(text)
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))


@given(st.text(alphabet=ALPHABET, max_size=200))
def test_sentences_are_stripped_and_on_one_line(text: str) -> None:
    for sentence in sentences(text):
        assert sentence == sentence.strip() != ""
        assert "\n" not in sentence
