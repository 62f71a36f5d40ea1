"""Answers as JSON of a shape that a caller gives."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from answering.structured import Form, UnfilledError, filled, form_in, form_of, question_in, written
from answering.values import Answer, Citation, Kind, Sentence, Trace
from knowledge_base.errors import InputError
from retrieval.prompt import Message

S, N, INT, B = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))

TEXTS = {"type": "array", "items": S}
PLACE = {"properties": {"document": S, "page": INT}}
NULLABLE = {"anyOf": [S, {"type": "null"}]}


def an_answer(question: str, *sentences: str, kind: Kind = "fact", quotes: Sequence[str] = ()) -> Answer:
    """An answer whose sentences are cited, one by one, from `quotes` or from themselves."""
    cited = tuple(
        Citation(n, f"p{n}", "fees.pdf", "Fees", n, 10 * n, 10 * n + len(quote), quote, 1.0)
        for n, quote in enumerate(quotes or sentences, 1)
    )
    parts = tuple(Sentence(text, (number,)) for number, text in enumerate(sentences, 1))
    trace = Trace(question, (), "", (), 1)
    text = "\n".join(sentences)
    return Answer(
        "1",
        question,
        "bank",
        text,
        "answered",
        0.75,
        0.5,
        parts,
        cited,
        (),
        "base",
        trace,
        0.1,
        kind,
        "extract",
    )


FEE = an_answer(
    "What is the annual fee of the copper card?", "The annual fee of the copper card is 45 euros."
)
ROW = an_answer(
    "Tell me about the copper card",
    "Copper: annual fee 45 euros; cash limit 1,500 euros; replacement within 5 working days.",
    quotes=["Card: Copper; Annual fee: 45 euros; Cash limit: 1,500 euros; Replacement: 5 working days"],
)
STEPS = an_answer(
    "How do I order a chequebook?", "1. Log in.", "2. Choose a size.", "3. Confirm.", kind="howto"
)
# A table whose columns are the cards; and rows of other cards than the one that is asked about.
COLUMNS = an_answer(
    "Tell me about the tin card",
    "Annual fee: tin 45 euros.",
    quotes=["Feature: Annual fee; Zinc: 90 euros; Tin: 45 euros"],
)
OTHERS = an_answer(
    "Tell me about the tin card",
    "The tin card comes with the zinc card.",
    quotes=["Card: Zinc; Annual fee: 90 euros; Cash limit: 100 euros; Branch: Main"],
)
CALL = an_answer("Whom do I call?", "Call 400-555-0101 from 9:00 to 17:30 on 5 days a week.")
MAY = an_answer("May I pay in coins?", "Yes. Coins are taken up to 50 euros a day.", kind="yesno")
CHINESE = an_answer("铜卡的年费是多少？", "铜卡的年费为45欧元。")


def fill(answer: Answer, properties: dict[str, Any]) -> Any:
    """What an object of these properties, all required, is filled with."""
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    text, _ = filled(form_of(schema), answer, _nothing, lambda messages, schema: pytest.fail("nobody writes"))
    return json.loads(text)


@pytest.mark.parametrize(
    ("answer", "properties", "expected"),
    [
        (FEE, {"answer": S}, {"answer": "The annual fee of the copper card is 45 euros."}),
        (FEE, {"card_fee": S}, {"card_fee": "The annual fee of the copper card is 45 euros."}),
        (FEE, {"fee": N, "currency": S}, {"fee": 45, "currency": "euros"}),
        (FEE, {"annualFee": INT, "unit": {"enum": ["USD", "EUR"]}}, {"annualFee": 45, "unit": "EUR"}),
        (FEE, {"annual_fee": S, "card": S}, {"annual_fee": "45 euros", "card": "copper card"}),
        (
            FEE,
            {"answer": S, "source": S, "page": INT, "quote": S, "confidence": N, "found": B},
            {
                "answer": FEE.text,
                "source": "fees.pdf",
                "page": 1,
                "quote": FEE.text,
                "confidence": 0.75,
                "found": True,
            },
        ),
        (FEE, {"fee": N, "sources": {"type": "array", "items": S}}, {"fee": 45, "sources": ["fees.pdf"]}),
        (
            FEE,
            {"answer": S, "citations": {"type": "array", "items": PLACE}},
            {"answer": FEE.text, "citations": [{"document": "fees.pdf", "page": 1}]},
        ),
        (
            ROW,
            {"card": S, "annual_fee": N, "cash_limit": N, "replacement_days": INT},
            {"card": "Copper", "annual_fee": 45, "cash_limit": 1500, "replacement_days": 5},
        ),
        (
            ROW,
            {"cards": {"type": "array", "items": {"properties": {"card": S, "annual_fee": N}}}},
            {"cards": [{"card": "Copper", "annual_fee": 45}]},
        ),
        (ROW, {"annual_fee_eur": N, "card_name": S}, {"annual_fee_eur": 45, "card_name": "Copper"}),
        (COLUMNS, {"annual_fee": N}, {"annual_fee": 45}),
        (CALL, {"phone": S, "email": NULLABLE}, {"phone": "400-555-0101", "email": None}),
        (STEPS, {"steps": TEXTS}, {"steps": ["Log in.", "Choose a size.", "Confirm."]}),
        (MAY, {"allowed": B}, {"allowed": True}),
        (
            MAY,
            {"answer": {"enum": ["yes", "no"]}, "limit": {"type": ["number", "null"]}},
            {"answer": "yes", "limit": None},
        ),
        (CHINESE, {"annual_fee": N, "source": S}, {"annual_fee": 45, "source": "fees.pdf"}),
        (CHINESE, {"年费": N, "币种": S}, {"年费": 45, "币种": "欧元"}),
        (FEE, {"kind": {"const": "card"}, "note": {**S, "default": ""}}, {"kind": "card", "note": ""}),
    ],
)
def test_fields_are_filled_from_the_answer(
    answer: Answer, properties: dict[str, Any], expected: object
) -> None:
    assert fill(answer, properties) == expected


def test_a_field_that_the_answer_lacks_is_asked_for_and_cited() -> None:
    limit = an_answer("?", "The cash limit of the copper card is 1,500 euros.")
    limit = replace(limit, citations=(replace(limit.citations[0], document="limits.pdf"),))
    form = form_of(
        {"type": "object", "properties": {"annual_fee": N, "cash_limit": N}, "required": ["cash_limit"]}
    )

    def ask(question: str) -> Answer:
        assert question == "What is the cash limit of the copper card?"
        return limit

    text, answer = filled(form, FEE, ask, lambda messages, schema: "")
    assert json.loads(text) == {"annual_fee": 45, "cash_limit": 1500}
    assert [(one.number, one.document) for one in answer.citations] == [(1, "fees.pdf"), (2, "limits.pdf")]


def test_what_is_not_found_is_null_or_left_out_where_the_schema_allows_it() -> None:
    optional = {"type": "object", "properties": {"fee": N, "colour": S, "lounge": B}, "required": ["fee"]}
    text, _ = filled(form_of(optional), FEE, _nothing, lambda messages, schema: "")
    assert json.loads(text) == {"fee": 45}
    assert fill(FEE, {"fee": N, "colour": NULLABLE}) == {"fee": 45, "colour": None}


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"fee": N, "colour": S}, "do not give colour"),
        ({"height_of_tower": N}, "do not give height_of_tower"),
        ({"card": {"properties": {"colour": S}, "required": ["colour"]}, "fee": N}, "give card.colour"),
        ({"fee": {"type": "number", "maximum": 3}}, "no JSON that fits"),
        ({"fee": {"type": "string", "pattern": "^[A-Z]$"}}, "no JSON that fits"),
        ({"fee": {"type": "string", "pattern": "^(a+)+$"}}, "no JSON that fits"),
    ],
)
def test_otherwise_a_sentence_names_the_field(properties: dict[str, Any], told: str) -> None:
    with pytest.raises(UnfilledError, match=told):
        fill(FEE, properties)


def _nothing(question: str) -> Answer:
    return replace(FEE, text="?", outcome="not_found", citations=())


def test_a_neighbour_s_value_is_never_taken() -> None:
    nullable = {"type": ["number", "null"]}
    assert fill(OTHERS, {"annual_fee": nullable, "card": NULLABLE}) == {
        "annual_fee": None,
        "card": "tin card",
    }
    items = {"type": "array", "items": {"properties": {"name": S, "annual_fee": N}}}
    with pytest.raises(UnfilledError, match="items"):
        fill(CALL, {"items": {**items, "items": {**items["items"], "required": ["name", "annual_fee"]}}})


def test_a_hostile_pattern_does_not_hold_up_the_process() -> None:
    form = form_of({"type": "string", "pattern": "^(a|aa)+$"})
    assert not form.accepts("a" * 60 + "b")


def test_a_capable_model_writes_the_object_from_its_checked_answer() -> None:
    said: list[Sequence[Message]] = []
    replies = iter(["Here it is: {}", '```json\n{"fee": 45}\n```'])

    def write(messages: Sequence[Message], schema: str) -> str:
        said.append(messages)
        assert json.loads(schema)["required"] == ["fee"]
        return next(replies)

    form = form_of({"type": "object", "properties": {"fee": N}, "required": ["fee"]})
    assert filled(form, replace(FEE, profile="free"), _nothing, write)[0] == '{"fee": 45}'
    assert FEE.text in said[1][1].content
    # What it writes may not fit: then the fields are filled as for other models.
    assert filled(form, replace(FEE, profile="free"), _nothing, lambda *_: "45")[0] == '{"fee": 45}'


def test_a_text_that_is_no_json_of_the_form_is_an_error() -> None:
    with pytest.raises(UnfilledError, match="no JSON"):
        written(form_of({"type": "object"}), [Message("user", "Hello")], lambda *_: "[1]")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objekt"}, "is not valid JSON Schema"),
        ({"$ref": "#/$defs/none"}, "#/\\$defs/none, which is not in it"),
        ({"$ref": "http://example.org/s.json"}, "which is not in it"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "nested too deeply"),
        ({"patternProperties": {"^(a+)+$": {}}}, "patternProperties"),
        ({"$defs": {str(number): {} for number in range(2000)}}, "more than 2,000 parts"),
    ],
)
def test_schemas_that_cannot_be_used_are_told(schema: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        form_of(schema)


def test_references_are_followed() -> None:
    schema = {
        "$defs": {"Fee": {"type": "number", "title": "Fee"}},
        "properties": {"fee": {"$ref": "#/$defs/Fee"}},
    }
    assert form_of(schema) == Form({"properties": {"fee": {"type": "number", "title": "Fee"}}})


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("What does it cost? Reply in JSON.", "What does it cost?"),
        ("Give me the fee as JSON", "Give me the fee"),
        ("年费是多少？请以JSON格式返回。", "年费是多少？"),
        ('What is the fee, as a JSON object: {"fee": 1}', "What is the fee:"),
        ("What is JSON", "What is JSON"),
    ],
)
def test_the_wish_for_json_is_no_part_of_the_question(text: str, question: str) -> None:
    assert question_in(text) == question


def test_keys_that_a_request_shows_are_the_form() -> None:
    form = form_in('The fee as JSON: {"fee": ..., "currency": "…"}')
    assert form is not None and form.accepts({"fee": None, "currency": "euros"})
    assert form_in("The fee as JSON") is None
