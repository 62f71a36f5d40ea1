"""The general text: two sets, of several kinds, about nothing that adapters learn."""

import re
from typing import get_args

import pytest

from finetune.general_text import Use, general_texts
from retrieval.prompt import LANGUAGES, Language, language_of

BANKING = re.compile(
    r"\b(bank|loan|account|deposit|credit|interest|fee|yuan)s?\b|银行|贷款|账户|存款|利率|信用卡|手续费|转账",
    re.I,
)
USES: tuple[Use, ...] = get_args(Use)


@pytest.mark.parametrize(
    ("use", "language", "least", "most"),
    [
        ("gate", "en", 1400, 1900),
        ("gate", "zh", 2200, 2800),
        ("shrink", "en", 900, 1100),
        ("shrink", "zh", 1200, 1600),
    ],
)
def test_it_is_of_several_kinds_and_not_about_banks(
    use: Use, language: Language, least: int, most: int
) -> None:
    texts = general_texts(use, language)
    whole = "\n".join(texts)
    assert len(texts) >= 7
    assert least <= (len(whole.split()) if language == "en" else len(whole)) <= most
    assert all(language_of(text) == language for text in texts)
    assert BANKING.findall(whole) == []
    assert "---" not in whole


def test_what_an_adapter_is_scaled_by_is_not_what_it_is_judged_by() -> None:
    sets = [{text for language in LANGUAGES for text in general_texts(use, language)} for use in USES]
    assert not set.intersection(*sets)
