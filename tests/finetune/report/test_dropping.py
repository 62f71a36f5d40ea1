"""Reasons of dropped pairs: each that the program gives is known, counted by kind, and told in Chinese."""

import ast
import re
from pathlib import Path

import pytest

from finetune.report.dropping import kind_of, told

ROOT = Path(__file__).parents[3]

SOURCES = (
    "finetune/pairs/check.py",
    "finetune/pairs/repeats.py",
    "finetune/pairs/evidence.py",
    "finetune/pairs/keep.py",
    "finetune/split.py",
    "finetune/samples.py",
    "answering/generation/encoding.py",
)
BEGINS = re.compile(
    "(its|one of its|it holds|no passage|nearly|contradicts|the reply holds|shares a|asks nearly"
    "|quotes nearly|The prompt has|Prompt and reply) "
)
# What stands in a blank where not anything may.
FILLED = {"name": "question", "_LANGUAGE_NAMES[language]": "English"}


def reasons_in(source: Path) -> list[str]:
    """Every text of a file that begins as a reason does, its blanks filled."""
    found = []
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(filled(part) for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    whole = [text for text in found if BEGINS.match(text)]
    return [text for text in whole if not any(other != text and other.startswith(text) for other in whole)]


def filled(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        return FILLED.get(ast.unparse(part.value), "77")
    assert isinstance(part, ast.Constant)
    return str(part.value)


GIVEN = [reason for source in SOURCES for reason in reasons_in(ROOT / source)]


def test_the_reasons_are_found_in_the_sources() -> None:
    assert len(GIVEN) > 25


@pytest.mark.parametrize("reason", GIVEN)
def test_every_reason_is_told_in_chinese(reason: str) -> None:
    chinese = told(reason, "zh")
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert not re.search("[a-zA-Z]", chinese)
    assert chinese.count("77") == reason.count("77")
    assert told(reason, "en") == reason


@pytest.mark.parametrize("reason", GIVEN)
def test_a_kind_of_reason_is_told_in_chinese_too(reason: str) -> None:
    assert "77" not in kind_of(reason)
    assert not re.search("[a-zA-Z]", told(kind_of(reason), "zh"))


def test_what_differs_from_pair_to_pair_is_no_kind_of_its_own() -> None:
    assert kind_of("nearly the same question as bank-7") == kind_of("nearly the same question as bank-8")
    assert kind_of("its answer is personal data: phone") == kind_of(
        "its answer is personal data: e-mail, card"
    )


def test_personal_data_are_called_by_their_chinese_names() -> None:
    assert (
        told("it holds personal data: card number, phone number", "zh") == "含有个人信息：银行卡号、电话号码"
    )


def test_an_unknown_reason_stays_and_is_counted_up_to_its_colon() -> None:
    assert told("Line 2 is not JSON: a comma is missing.", "zh") == "Line 2 is not JSON: a comma is missing."
    assert kind_of("Line 2 is not JSON: a comma is missing.") == "Line 2 is not JSON"
