"""Personal data is found with its checks, and nothing that a bank's documents are full of is taken for it."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.pairs.personal import find_personal, mask_personal
from tests.samples.extract import EXTRACTORS, text_of

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
ALPHABET = "0123456789 -.,:/+()@aAxXé中元¥１０－＠\n\0"


def kinds(text: str) -> list[str]:
    return [f"{found.kind}: {text[found.start : found.end]}" for found in find_personal(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("身份证11010519491231002X丢了", ["identity card: 11010519491231002X"]),
        ("身份证号 360426 19910101 0071", ["identity card: 360426 19910101 0071"]),
        (
            "身份证３６０４２６１９９１０１０１００７１",
            ["identity card: ３６０４２６１９９１０１０１００７１"],
        ),
        ("card 4111 1111 1111 1111 was blocked", ["card number: 4111 1111 1111 1111"]),
        ("卡号4111-1111-1111-1111，", ["card number: 4111-1111-1111-1111"]),
        ("amex 378282246310005", ["card number: 378282246310005"]),
        ("amex 3782 822463 10005", ["card number: 3782 822463 10005"]),
        ("银联卡6212345678901234569。", ["card number: 6212345678901234569"]),
        ("paid with 4111 1111 1111 1111 2 times", ["card number: 4111 1111 1111 1111"]),
        ("2026 4111 1111 1111 1111", ["card number: 4111 1111 1111 1111"]),
        ("手机13812345678", ["phone number: 13812345678"]),
        ("138 1234 5678", ["phone number: 138 1234 5678"]),
        ("+86 138-1234-5678", ["phone number: +86 138-1234-5678"]),
        ("008613812345678", ["phone number: 008613812345678"]),
        ("010-12345678/13812345678", ["phone number: 13812345678"]),
        ("1，13812345678，13912345678", ["phone number: 13812345678", "phone number: 13912345678"]),
        ("13812345678-13912345678", ["phone number: 13812345678", "phone number: 13912345678"]),
        ("call +44 20 7946 0958.", ["phone number: +44 20 7946 0958"]),
        ("+447800123456", ["phone number: +447800123456"]),
        ("call +1 (202) 555-0187", ["phone number: +1 (202) 555-0187"]),
        (
            "+852 9123 4567 or +855 12 345678",
            ["phone number: +852 9123 4567", "phone number: +855 12 345678"],
        ),
        ("0044 20 7946 0958", ["phone number: 0044 20 7946 0958"]),
        ("邮箱zhang.san@qq.com。", ["e-mail address: zhang.san@qq.com"]),
        ("Write to J.Smith+x@mail.example.co.uk", ["e-mail address: J.Smith+x@mail.example.co.uk"]),
        ("IBAN GB82 WEST 1234 5698 7654 32", ["IBAN: GB82 WEST 1234 5698 7654 32"]),
        ("to DE89370400440532013000 today", ["IBAN: DE89370400440532013000"]),
        ("BE68 5390 0754 7034 THIS IS IT", ["IBAN: BE68 5390 0754 7034"]),
        ("SSN 536-90-4399", ["social security number: 536-90-4399"]),
    ],
)
def test_personal_data_is_found(text: str, found: list[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "身份证110105194912310021",  # wrong check digit
        "身份证号360426199113010071",  # no such month
        "card 4111 1111 1111 1112",  # wrong check digit
        "IBAN GB82 WEST 1234 5698 7654 33",
        "客服热线400-800-5511、95588、12345",
        "Call 400-800-9911 or +86-700-8123-9911",
        "freephone +1 800 555 0100, +800 1234 5678, +44 800 123 4567",
        "短信号码1068-5511，网点0700-8123-1005，北京010-66551234",
        "转账13800000000元，余额¥13900000000，共13812345678 yuan",
        "2026-11-18 10:00, 18/11/2026, 20261118, 2025-118",
        "1,234,567,890.12 and 3.13812345678",
        "timestamp 1747000000000, order 202611180001234",
        "680 yuan; 580 yuan; 1.5%; 844.31; 300,000",
        "privacy@harbourlane.example, branch-heads@harbourlane.example, no-reply@bank.com",
        "95588@icbc.com.cn",
        "a@b, @name, x@y.",
        "",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert kinds(text) == []
    assert mask_personal(text) == text


def test_masks_speak_the_language_of_the_text() -> None:
    assert mask_personal("我的卡4111111111111111丢了") == "我的卡[银行卡号]丢了"
    assert mask_personal("My card 4111111111111111 is lost, call +44 20 7946 0958") == (
        "My card [card number] is lost, call [phone number]"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sample_pairs_hold_no_personal_data(language: str) -> None:
    lines = (SAMPLES / "pairs" / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert [found for line in lines for found in kinds(line)] == []
    questions = [json.loads(line)["question"] for line in lines]
    assert [mask_personal(question) for question in questions] == questions


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sample_documents_hold_only_two_addresses_that_could_be_of_persons(language: str) -> None:
    files = sorted((SAMPLES / "bank" / language).rglob("*"))
    texts = [
        text_of(file) for file in files if file.suffix in EXTRACTORS
    ]  # the others' text is in their sources
    sources = [file.read_text(encoding="utf-8") for file in (SAMPLES / "sources" / language).rglob("*.md")]
    found = {entry for text in (*texts, *sources) for entry in kinds(text)}
    assert len(texts) >= 40
    assert {re.sub("@.*", "", entry) for entry in found} == (
        {"e-mail address: northgate", "e-mail address: quaystreet"} if language == "en" else set()
    )


@given(st.text(alphabet=ALPHABET, max_size=60))
@settings(deadline=None)
def test_what_is_masked_holds_nothing_personal_any_more(text: str) -> None:
    assert find_personal(mask_personal(text)) == ()


_NUMBERS = [
    "4111 1111 1111 1111",
    "13812345678",
    "+44 20 7946 0958",
    "536-90-4399",
    "a.b@c.de",
    "360426199101010071",
]


@given(
    st.lists(
        st.tuples(st.sampled_from(_NUMBERS), st.sampled_from([", ", "/", "-", "，", " 卡 "])), max_size=5
    )
)
@settings(deadline=None)
def test_numbers_side_by_side_are_all_masked(parts: list[tuple[str, str]]) -> None:
    text = "".join(number + between for number, between in parts)
    masked = mask_personal(text)
    assert find_personal(masked) == ()
    assert masked.count("[") >= len(parts) - sum(between == "-" for _, between in parts)


@given(st.text(alphabet=ALPHABET, max_size=60))
@settings(deadline=None)
def test_findings_are_in_order_and_apart(text: str) -> None:
    found = find_personal(text)
    assert all(entry.start < entry.end <= len(text) for entry in found)
    assert all(first.end <= second.start for first, second in zip(found, found[1:], strict=False))


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from(["{:,}元", "CNY {:,}", "{} yuan", "{:,}"]),
)
@settings(deadline=None)
def test_amounts_are_never_personal(amount: object, form: str) -> None:
    assert find_personal(form.format(amount)) == ()


@given(
    st.dates(),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%Y年%m月%d日", "%Y%m%d", "%d.%m.%Y", "%Y-%m-%d 09:30:00"]),
)
@settings(deadline=None)
def test_dates_are_never_personal(day: object, form: str) -> None:
    assert find_personal(format(day, form)) == ()


def test_long_runs_take_no_quadratic_time() -> None:
    text = "1" * 50_000 + " " + "a" * 50_000 + "@" + "4111 " * 20_000 + "+1 2 " * 10_000
    assert find_personal(mask_personal(text)) == ()
