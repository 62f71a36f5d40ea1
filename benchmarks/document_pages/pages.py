"""A page of the benchmark, and the sentences and tables that pages are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Cell(NamedTuple):
    """A value in a table with the names of its row and column; a pair of name and value has no column."""

    row: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Page:
    """A file, and what a reader would call right: running text in order, the cells of tables, or both."""

    name: str
    kind: str
    language: Language
    suffix: str
    data: bytes
    text: str = ""
    cells: tuple[Cell, ...] = ()


SENTENCES: dict[Language, Sequence[str]] = {
    "en": (
        "The guarantor pays the creditor on first demand and without raising objections.",
        "The guarantee ends on the last day of the month that follows full repayment of the secured loan.",
        "A waiver of any condition is valid only if both parties have signed it in writing.",
        "Notices are sent to the registered address and count as received on the third working day.",
        "Customers may repay the loan early if they announce it thirty days in advance.",
        "An account without movements for two years becomes dormant and bears no further interest.",
        "Reports of loss by telephone are valid for five days unless they are confirmed in a branch.",
        "The bank informs its customers about changes of fees at least forty-five days beforehand.",
        "Cash withdrawals abroad are charged with a commission that depends on the card.",
        "Disputes that cannot be settled are decided by the court at the seat of the bank.",
    ),
    "zh": (
        "保证人应当在债权人首次书面要求后无条件支付款项，不得提出抗辩。",
        "保证期间至主债务全部清偿后的当月最后一日终止。",
        "任何条款的放弃须经双方书面签署方为有效。",
        "通知应当寄往登记地址，寄出后第三个工作日视为送达。",
        "客户提前三十日通知银行的，可以提前偿还贷款。",
        "账户两年内没有发生交易的，转为睡眠户，不再计付利息。",
        "电话挂失的有效期为五天，逾期未到网点确认的自动失效。",
        "银行调整收费标准的，应当至少提前四十五日告知客户。",
        "境外取现按照卡片种类收取手续费。",
        "协商不成的争议由银行所在地人民法院管辖。",
    ),
}
TABLES: dict[Language, Sequence[Sequence[str]]] = {
    "en": (
        ("Card", "Annual fee", "Daily limit", "Points"),
        ("Classic", "0.00", "5,000", "1"),
        ("Gold", "180.00", "20,000", "2"),
        ("Platinum", "680.00", "50,000", "4"),
        ("Diamond", "2,400.00", "150,000", "8"),
        ("Student", "15.50", "1,500", "3"),
    ),
    "zh": (
        ("卡种", "年费", "单日限额", "积分"),
        ("普卡", "0.00", "5,000", "1"),
        ("金卡", "180.00", "20,000", "2"),
        ("白金卡", "680.00", "50,000", "4"),
        ("钻石卡", "2,400.00", "150,000", "8"),
        ("学生卡", "15.50", "1,500", "3"),
    ),
}
PAIRS: dict[Language, Sequence[tuple[str, str]]] = {
    "en": (
        ("Company name", "Example Trading Limited"),
        ("Legal representative", "Anna Berg"),
        ("Registered address", "12 Quay Street, Harbour Town"),
        ("Telephone", "0800 555 010"),
        ("E-mail", "office@trading.example"),
    ),
    "zh": (
        ("公司名称", "示例贸易股份有限公司"),
        ("法定代表人", "安某某"),
        ("注册地址", "示例市海滨路十二号"),
        ("联系电话", "0800-555010"),
        ("电子邮箱", "office@trading.example"),
    ),
}


def sentences(language: Language, count: int, first: int = 0) -> list[str]:
    """So many sentences, one after the other and again from the start."""
    found = SENTENCES[language]
    return [found[(first + number) % len(found)] for number in range(count)]


def joined(parts: Sequence[str], language: Language) -> str:
    """Sentences as running text."""
    return (" " if language == "en" else "").join(parts)


def cells_of(rows: Sequence[Sequence[str]]) -> tuple[Cell, ...]:
    """The cells of a table whose first row names its columns."""
    header, *body = rows
    return tuple(Cell(row[0], name, value) for row in body for name, value in zip(header, row, strict=True))


def pairs_of(pairs: Sequence[tuple[str, str]]) -> tuple[Cell, ...]:
    """Names with their values as cells."""
    return tuple(Cell(name, "", value) for name, value in pairs)
