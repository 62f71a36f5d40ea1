"""Forgetting: the rise of the loss, and the general text that it is measured on."""

import re
from collections.abc import Sequence

import pytest

from finetune.evaluation.forgetting import (
    LANGUAGES,
    Forgetting,
    Loss,
    Losses,
    general_texts,
    measure_forgetting,
)
from knowledge_base.errors import InputError, MismatchError
from retrieval.prompt import Language, language_of

BANKING = re.compile(
    r"\b(bank|loan|account|deposit|credit|interest|fee|yuan)s?\b|银行|贷款|账户|存款|利率|信用卡|手续费|转账",
    re.I,
)


def losing(each: float, extra: int = 0) -> Loss:
    """A loss of so many nats for every character."""

    def loss(texts: Sequence[str]) -> tuple[float, int]:
        tokens = sum(map(len, texts)) + extra
        return each * tokens, tokens

    return loss


def test_the_rise_is_that_of_the_mean() -> None:
    found = measure_forgetting(losing(3.0), losing(3.2))
    assert set(found.by_language) == set(LANGUAGES)
    assert found.rise == pytest.approx(0.2)
    assert all(losses.rise == pytest.approx(0.2) for losses in found.by_language.values())


def test_an_adapter_that_does_nothing_forgets_nothing() -> None:
    assert measure_forgetting(losing(3.0), losing(3.0)).rise == 0.0


def test_every_token_counts_once() -> None:
    found = Forgetting({"en": Losses(3.0, 3.1, 300), "zh": Losses(4.0, 4.5, 100)})
    assert found.overall.tokens == 400
    assert found.overall.base == pytest.approx(3.25)
    assert found.rise == pytest.approx((0.1 * 300 + 0.5 * 100) / 400)


def test_another_tokenizer_cannot_be_compared() -> None:
    with pytest.raises(MismatchError, match="tokens"):
        measure_forgetting(losing(3.0), losing(3.0, extra=1))


def test_a_loss_that_reads_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no tokens"):
        measure_forgetting(lambda texts: (0.0, 0), lambda texts: (0.0, 0))


@pytest.mark.parametrize(("language", "least", "most"), [("en", 1400, 1900), ("zh", 2200, 2800)])
def test_the_general_text_is_of_several_kinds_and_not_about_banks(
    language: Language, least: int, most: int
) -> None:
    texts = general_texts(language)
    whole = "\n".join(texts)
    assert len(texts) >= 7
    assert least <= (len(whole.split()) if language == "en" else len(whole)) <= most
    assert all(language_of(text) == language for text in texts)
    assert BANKING.findall(whole) == []
    assert "---" not in whole
