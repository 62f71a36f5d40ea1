"""Answers of all kinds from the documents' own words, with plain code alone: no reader is asked."""

from collections.abc import Sequence
from datetime import date

import pytest

from answering.draft import Draft, cited
from answering.evidence import sections_of
from answering.extraction import Doubts, extract
from answering.offers import offered
from answering.question import Asked
from answering.selection import Models
from knowledge_base.values import Document
from retrieval.prompt import Language
from retrieval.retriever import Retriever
from tests.fakes import FakeIndex, a_document, near

TODAY = date(2026, 12, 1)
HOUSE = a_document(
    "house.md",
    [
        "Cancelling a booking\nBookings can be cancelled free of charge up to 24 hours before. After that, a "
        "fee of 30 euros is charged.",
        "Keys\nStaff other than caretakers may not copy keys. Dogs are admitted only in hall C.",
        "Enrolling\nBring the following:\n- a photo\n- your student card\n- the deposit",
    ],
    title="House rules",
)
PRICES = [
    a_document(
        f"prices {year}.csv",
        [
            f"Pass: Day pass; Adults: {day} euros; Children: 3 euros\nPass: Month pass; Adults: 42 "
            f"euros; Children: 20 euros\nPass: Year pass; Adults: {full} euros; Children: 180 euros"
        ],
        title=f"Prices {year}",
    )
    for year, day, full in ((2026, 6, 380), (2025, 5, 350))
]
HALLS = a_document(
    "halls.csv",
    ["Hall: East; Head: Anna Berg; Saturday: closed\nHall: West; Head: Tom Reyes; Saturday: 9:00-12:00"],
    title="Halls",
)
SHOPS = a_document(
    "门店.csv",
    [
        "门店：二店；店长：李强；座位：95\n门店：十二店；店长：周杰；座位：132\n门店：二十一店；店长：吴昊；座位：76"
    ],
    title="门店",
)

COURTS = a_document(
    "场地.csv",
    [
        "场地：双打厅；每小时价格（元）：80；预订天数：3；灯数：6\n场地：单打厅；每小时价格（元）：50；预订天数：2；灯数：4\n"
        "场地：教学厅；每小时价格（元）：95；预订天数：7；灯数：9"
    ],
    title="场地",
)
COURSES = a_document(
    "courses.csv",
    [
        "Course: Beginners; Fee (euros): 120; Waiting time (weeks): 4; Room size (m2): 60\n"
        "Course: Advanced; Fee (euros): 150; Waiting time (weeks): 6; Room size (m2): 45"
    ],
    title="Courses",
)


def retriever_of(documents: Sequence[Document]) -> Retriever:
    index = FakeIndex()
    index.add(list(documents))
    return Retriever(index)


def answered(question: str, documents: Sequence[Document] = (HOUSE, *PRICES, HALLS, SHOPS)) -> Draft | None:
    return extracted(question, documents, lambda _, passages: [None] * len(passages))


def extracted(question: str, documents: Sequence[Document], doubts: Doubts) -> Draft | None:
    retriever = retriever_of(documents)
    return extract(
        question, lambda text: retriever.search([text], 8)[0], retriever.document, Models(near), doubts, TODAY
    )


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What does a year pass cost for adults?", ["380 euros", "2026"]),
        ("What did a year pass cost for adults in 2025?", ["350 euros"]),
        ("Who is the head of the west hall?", ["Tom Reyes"]),
        (
            "Which pass is the most expensive for adults?",
            ["Year pass is the most expensive for adults: 380 euros (2026)."],
        ),
        (
            "What is the difference between the month pass and the year pass for children?",
            ["160", "20 euros"],
        ),
        ("Which halls are open on Saturday?", ["West", "9:00-12:00"]),
        ("What do I need to bring for enrolling?", ["- a photo", "- your student card", "- the deposit"]),
        ("Who may copy keys?", ["Caretakers may copy keys."]),
        ("十二店的店长是谁？", ["周杰"]),
        ("哪家门店座位最多？", ["十二店", "132"]),
        ("二店和十二店的座位差多少？", ["37"]),
    ],
)
def test_the_right_row_sentence_or_list_is_given(question: str, parts: list[str]) -> None:
    draft = answered(question)
    assert draft is not None
    assert draft.outcome == "answered"
    assert [part for part in parts if part not in draft.text] == []


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("Is there a fee if I cancel a booking 48 hours before?", "No."),
        ("Is there a fee if I cancel a booking 3 hours before?", "Yes."),
        ("Are dogs admitted in hall A?", "No."),
        ("Are dogs admitted in hall C?", "Yes."),
        ("May caretakers copy keys?", "Yes."),
        ("Is the east hall open on Saturday?", "No."),
        ("Is the west hall open on Saturday?", "Yes."),
    ],
)
def test_yes_or_no_is_decided_by_the_sentence_that_is_shown(question: str, opening: str) -> None:
    draft = answered(question)
    assert draft is not None
    assert draft.text.startswith(opening)


@pytest.mark.parametrize(
    "question",
    [
        "What did a year pass cost for adults in 2024?",
        "What does a family pass cost?",
        "What does a year pass cost for adults in pounds?",
        "Who is the head of the north hall?",
        "Until what time is the west hall open on Sunday?",
        "How much more does the week pass cost than the day pass?",
        "二十店的店长是谁？",
        "What does a platinum year pass cost?",
        "What does a year student pass cost for adults?",
        "镀金双打厅每小时多少钱？",
        "超双打厅每小时多少钱？",
    ],
)
def test_a_neighbour_is_never_given_as_the_answer(question: str) -> None:
    draft = answered(question, (HOUSE, *PRICES, HALLS, SHOPS, COURTS))
    assert draft is None or draft.outcome == "related"


PLANS = a_document(
    "plans.csv",
    [
        "Code: SP301; Plan: Sea savings plan; Smallest plan: 50 euros; Rate: 1.2%; Sold: online\n"
        "Code: SP302; Plan: Hill savings plan; Smallest plan: 50 euros; Rate: 1.9%; Sold: in shops\n"
        "Code: SP303; Plan: Moor savings plan; Smallest plan: 80 euros; Rate: 0.7%; Sold: online"
    ],
    title="Savings plans",
)
SCORES = a_document(
    "评分.csv",
    ["评分：700至749分；利率：8%\n评分：650至699分；利率：9%\n评分：600至649分；利率：11%"],
    title="贷款利率",
)


@pytest.mark.parametrize(
    ("question", "parts", "others"),
    [
        (
            "Which savings plan has the lowest rate?",
            ["SP303 Moor savings plan has the lowest rate: 0.7%"],
            [],
        ),
        ("Which savings plans are sold online?", ["SP301", "SP303"], ["SP302"]),
        ("How much more does the Hill savings plan pay than the Sea savings plan?", [], ["is 0"]),
        ("评分是六百八十分，利率是多少？", ["9%"], ["8%", "11%"]),
        ("2026年双打厅每小时多少钱？", ["80"], ["50"]),
    ],
)
def test_rows_and_columns_are_chosen_by_what_tells_them_apart(
    question: str, parts: list[str], others: list[str]
) -> None:
    draft = answered(question, (PLANS, SCORES, COURTS))
    assert draft is not None
    assert [part for part in parts if part not in draft.text] == []
    assert [other for other in others if other in draft.text] == []


BOATS = a_document(
    "boat-hire.md",
    [
        "Boat loan conditions\nReturning early is free of charge once the loan has run for 3 days.",
        "Papers\nYou need your card; one person may borrow 2 boats.",
    ],
    title="Boat loan conditions",
)
BOOKS = a_document(
    "books.md", ["Book loan conditions\nA book loan lasts 4 weeks."], title="Book loan conditions"
)


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ("Can I return a book loan early without a fee?", "boat-hire.md"),
        ("How many boats can one person borrow for a school trip?", "books.md"),
    ],
)
def test_what_a_document_says_of_another_kind_of_thing_does_not_answer(question: str, wrong: str) -> None:
    draft = answered(question, (BOATS, BOOKS))
    documents = [] if draft is None or draft.outcome == "related" else [u.document for u in draft.units]
    assert wrong not in documents


def test_a_section_shows_the_row_that_is_named_and_the_steps_before_it() -> None:
    codes = a_document(
        "codes.md",
        [
            "Asking for a copy\n1. Open the form.\n2. Choose the map.",
            "Maps\nMap: Harbour map; Ready after: 2 days\nMap: Island map; Ready after: 5 days",
        ],
        title="Copies of maps",
    )
    draft = answered("How do I order a copy of the island map?", [codes])
    assert draft is not None
    assert "Island map" in draft.text or "Open the form" in draft.text
    assert "Harbour map" not in draft.text


def test_traditional_and_simplified_full_and_half_width_are_the_same() -> None:
    shop = a_document("倉庫.txt", ["東港倉庫的夜班從晚上十點半開始，電話（０２１）５５５５。"], title="倉庫")
    draft = answered("东港仓库的夜班几点开始？", [shop])
    assert draft is not None
    assert "十點半" in draft.text


def test_every_line_is_cited_with_exactly_the_documents_text() -> None:
    draft = answered("What do I need to bring for enrolling?")
    assert draft is not None
    sentences, citations = cited(draft)
    assert all(sentence.supported for sentence in sentences)
    assert all(HOUSE.text[c.start : c.end] == c.quote for c in citations if c.document == HOUSE.path)


def test_of_units_that_are_alike_the_reader_decides() -> None:
    document = a_document(
        "a.txt", ["The red lamp costs 5 euros.", "The red lamp costs 7 euros."], title="Lamps"
    )
    draft = extracted(
        "What does the red lamp cost?",
        [document],
        lambda _, passages: [-8.0 if "7 euros" in passage.text else -0.1 for passage in passages],
    )
    assert draft is not None
    assert draft.text == "The red lamp costs 7 euros."


def test_a_term_is_read_alike_in_questions_and_documents() -> None:
    assert set(Asked("What does a home loan cost per year?").terms) == set(
        Asked("The annual fee of a mortgage?").terms
    )


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is the current fee of the advanced course?", "150 euros"),
        ("How long is the wait for the beginners course?", "(weeks) 4"),
        ("现在双打厅多少钱？", "80元"),
        ("单打厅要预订几天？", "预订天数为2"),
    ],
)
def test_a_named_row_gives_the_column_that_measures_what_is_asked(question: str, said: str) -> None:
    draft = answered(question, [COURTS, COURSES])
    assert draft is not None
    assert draft.outcome == "answered"
    assert said in draft.text


@pytest.mark.parametrize(
    "question",
    [
        "三人厅每小时多少钱？",
        "How many rooms does the advanced course have?",
        "What is the parking fee for the advanced course?",
    ],
)
def test_no_neighbouring_row_or_column_answers(question: str) -> None:
    draft = answered(question, [COURTS, COURSES])
    assert draft is None or draft.outcome == "related"


@pytest.mark.parametrize(
    ("question", "verdict", "value"),
    [
        ("Why does the advanced course cost 180 euros?", "No.", "150"),
        ("Is it true that the advanced course costs 150 euros?", "Yes.", "150"),
        ("双打厅每小时100元，对吗？", "不对。", "80"),
        ("Does the advanced course cost more than 140 euros?", "Yes.", "150"),
    ],
)
def test_a_figure_that_is_claimed_is_compared_with_the_cell(question: str, verdict: str, value: str) -> None:
    draft = answered(question, [COURTS, COURSES])
    assert draft is not None
    assert draft.text.startswith(verdict)
    assert value in draft.text


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "What do the beginners and the advanced course cost together?",
            ["270 euros", "120 euros", "150 euros"],
        ),
        ("双打厅每小时比单打厅贵多少？", ["30元", "80元", "50元"]),
        ("哪个场地最贵？", ["教学厅", "95"]),
        ("预订最久的是哪个场地？", ["教学厅", "7"]),
    ],
)
def test_sums_differences_and_extremes_are_computed_from_the_right_column(
    question: str, parts: list[str]
) -> None:
    draft = answered(question, [COURTS, COURSES])
    assert draft is not None
    assert draft.outcome == "answered"
    assert all(part in draft.text for part in parts)


RULES = a_document(
    "rules.md",
    [
        "Not insured\nWe do not insure:\n- scratches\n- worn tyres",
        "押金\n有下列情形的，押金不退：（一）钥匙遗失；（二）设备损坏。",
    ],
    title="Rules",
)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Do you insure worn tyres?", ["No.", "worn tyres"]),
        ("钥匙遗失的，押金退不退？", ["不", "钥匙遗失"]),
        ("哪些情形押金不退？", ["- 钥匙遗失", "- 设备损坏"]),
    ],
)
def test_an_item_is_read_with_the_lead_of_its_list(question: str, parts: list[str]) -> None:
    draft = answered(question, [RULES])
    assert draft is not None
    assert draft.outcome == "answered"
    assert [part for part in parts if part not in draft.text] == []


POOL = a_document(
    "pool.md",
    ["Pool\nThe pool is heated.\n- Depth of 2 metres\n- Open from 8:00"],
    title="Swimming pool",
)
SAUNA = a_document("sauna.md", ["Sauna\nTwo cabins.\n- 90 degrees\n- Towels are lent"], title="Sauna")
SHIFTS = a_document(
    "shifts.csv",
    [
        "Month: May; Shift: Lake; Hours: 12 hours; Pay (euros): 140\n"
        "Month: June; Shift: Forest; Hours: 8 hours; Pay (euros): 160"
    ],
    title="Shifts",
)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Compare the swimming pool and the sauna.", ["**Swimming pool**", "2 metres", "**Sauna**", "90"]),
        ("Which shift takes the most hours?", ["Lake takes the most hours: 12 hours."]),
        ("双打厅和单打厅哪个贵？", ["80", "50"]),
        ("双打厅多少钱，单打厅要预订几天？", ["80元", "预订天数为2"]),
    ],
)
def test_things_are_compared_and_several_questions_answered(question: str, parts: list[str]) -> None:
    draft = answered(question, [COURTS, POOL, SAUNA, SHIFTS])
    assert draft is not None
    assert draft.outcome == "answered"
    assert [part for part in parts if part not in draft.text] == []


def test_a_thing_that_no_document_knows_is_said_to_be_missing_from_a_comparison() -> None:
    draft = answered("Compare the swimming pool and the cinema.", [POOL, SAUNA])
    assert draft is not None
    assert draft.outcome == "related"
    assert draft.text.startswith("The documents say nothing of “cinema”.")


LOCKERS = a_document(
    "lockers.csv",
    ["Locker: Large locker; Yearly rent: 30 euros\nLocker: Small locker; Yearly rent: 12 euros"],
    title="Lockers",
)


@pytest.mark.parametrize(
    ("language", "questions"),
    [
        ("en", ["What is the yearly rent of the large locker?", "Can you summarise “Swimming pool”?"]),
        ("zh", ["双打厅的每小时价格是多少？", "概括一下《场地》。"]),
    ],
)
def test_questions_are_offered_that_the_documents_answer(language: Language, questions: list[str]) -> None:
    documents = [LOCKERS, COURTS, POOL]
    asked: list[str] = []

    def answer(question: str) -> Draft | None:
        asked.append(question)
        return answered(question, documents)

    assert offered(documents, language, answer, TODAY.year) == questions
    assert set(questions) <= set(asked)
    assert offered(documents, language, lambda _: None, TODAY.year) == []


def test_an_answer_from_a_mail_leaves_out_who_wrote_it() -> None:
    mail = a_document(
        "keys.eml",
        [
            "From: House <house@club.example>; To: Members <all@club.example>; Date: 2026-03-02 10:00; "
            "Subject: How to report a lost key\n"
            "To report a lost key, call the house at once. Then come by with your membership card."
        ],
        title="How to report a lost key",
    )
    draft = answered("How do I report a lost key?", [mail])
    assert draft is not None
    assert "call the house at once" in draft.text
    assert "house@club.example" not in draft.text


CODES = "Code: B6; Meaning: the door is open\nCode: B7; Meaning: the belt is worn"
CODES_ZH = "错误代码：B6；含义：门没有关好\n错误代码：B7；含义：皮带磨损"


@pytest.mark.parametrize(
    ("question", "rows", "meaning"),
    [
        ("What does code B7 mean?", CODES, "the belt is worn"),
        ("错误代码B7是什么意思？", CODES_ZH, "皮带磨损"),
    ],
)
def test_a_code_is_explained_by_its_row(question: str, rows: str, meaning: str) -> None:
    draft = answered(question, [a_document("codes.csv", [rows], title="Codes")])
    assert draft is not None
    assert draft.outcome == "answered"
    assert meaning in draft.text


def test_a_salutation_answers_nothing_and_belongs_to_no_list() -> None:
    mail = a_document(
        "mail.txt",
        [
            "Dear colleagues,\nThe vault is closed on Friday.",
            "各位同事：\n金库周五关闭。\nDear customers pay less.",
        ],
        title="Vault",
    )
    texts = [unit.text for section in sections_of(mail) for unit in section.body]
    assert texts == ["The vault is closed on Friday.", "金库周五关闭。", "Dear customers pay less."]
