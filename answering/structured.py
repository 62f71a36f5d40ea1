"""Answers as JSON of the shape that a caller gives, filled from what the documents say.

A capable model writes the object from its own answer. Otherwise each field is filled by its name or
description: from the cells of the cited rows, from the answer itself, or by asking for it on its own.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend

from answering.facts import Ask, Facts, Label
from answering.values import Answer
from knowledge_base.errors import InputError
from retrieval.prompt import Language, Message, language_of

Schema = Mapping[str, Any]
Json = Any
# Writes a reply to messages; the text of the schema goes along for a generator that can hold to it.
Write = Callable[[Sequence[Message], str], str]

_MOST_NODES = 2000
_PATTERN_SECONDS = 0.2
_TRIES = 2
_BELOW = ("anyOf", "oneOf", "allOf")
_WRITE: dict[Language, str] = {
    "en": (
        "Write one JSON value that fits this JSON Schema, and nothing else. Take every value from the text "
        "below; use null where the schema allows it and the text does not say.\n{schema}"
    ),
    "zh": (
        "只写一个符合以下 JSON Schema 的 JSON 值，不要写其他内容。"
        "所有的值都取自下文；下文没有说明而模式允许时写 null。\n{schema}"
    ),
}
_TOLD: dict[Language, str] = {
    "en": "Question: {question}\nText: {text}",
    "zh": "问题：{question}\n文本：{text}",
}
_AS_JSON = re.compile(
    r"[,，]?\s*(?:(?:as|in)\s+(?:a\s+)?(?:valid\s+)?json(?:\s+(?:format|object))?"
    r"|请?[以用]\s*json\s*(?:格式)?(?:回答|返回|输出)?)",
    re.IGNORECASE,
)
_UNFILLED: dict[Language, tuple[str, str]] = {
    "en": (
        "The documents do not give {field}, which the schema requires.",
        "The model wrote no JSON that fits the request.",
    ),
    "zh": ("文档没有给出模式要求的 {field}。", "模型没有写出符合要求的 JSON。"),
}


class UnfilledError(Exception):
    """No JSON of this shape can be filled; the message tells a reader why, in one sentence."""


class _MissingError(Exception):
    """A field that nothing was found for."""


@dataclass(frozen=True, slots=True)
class Form:
    """A shape that a reply is to have: a schema in which every reference has been replaced."""

    schema: Schema

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.schema, ensure_ascii=False)

    def accepts(self, value: Json) -> bool:
        """Whether a value fits."""
        try:
            _Validator(self.schema).validate(value)
        except (ValidationError, TimeoutError, regex.error):
            return False
        return True


def form_of(schema: Schema) -> Form:
    """A JSON Schema as a form; InputError if it is none, refers to itself, or is too large."""
    try:
        _Budget().spend_on(schema)  # before it is judged, which takes long where there is much
        Draft202012Validator.check_schema(schema)
        return Form(_inlined(schema, schema, _Budget()))
    except (SchemaError, RecursionError) as error:
        told = error.message if isinstance(error, SchemaError) else "it is nested too deeply, or in itself"
        raise InputError(f"The schema is not valid JSON Schema: {told}.", "Correct it.") from error


def form_in(text: str) -> Form | None:
    """A form of the keys that a request shows, as in {"fee": …, "currency": …}; None if it shows none."""
    shown = re.search(r"\{[^{}]*\}", text)
    keys = re.findall(r'["\'](\w{1,60})["\']\s*[:：]', shown[0]) if shown else []
    properties = {key: {"anyOf": [{"type": "string"}, {"type": "null"}]} for key in keys}
    return Form({"type": "object", "properties": properties, "required": list(keys)}) if keys else None


def question_in(text: str) -> str:
    """A question without the request that it be answered in JSON."""
    plain = re.sub(r"\{[^{}]*\}", " ", text)
    parts = re.split(r"(?<=[.?!。？！\n])\s*", plain)
    kept = "".join(f"{part} " for part in parts if not re.search("json", part, re.I)).strip()
    return kept or _AS_JSON.sub("", plain).strip() or text


def written(form: Form, messages: Sequence[Message], write: Write) -> str:
    """The JSON that a generator writes for messages, tried twice; UnfilledError if neither fits."""
    language = language_of(messages[-1].content)
    wish = Message("system", _WRITE[language].format(schema=form.text))
    for _ in range(_TRIES):
        value = _json_in(write([wish, *messages], form.text))
        if value is not None and form.accepts(value):
            return json.dumps(value, ensure_ascii=False)
    raise UnfilledError(_UNFILLED[language][1])


def filled(form: Form, answer: Answer, ask: Ask, write: Write) -> tuple[str, Answer]:
    """The checked answer as JSON of a form, and the answer with the citations of all that was asked for it.

    Raises UnfilledError, which names the field that the documents do not give.
    """
    language = language_of(answer.question)
    if answer.profile == "free":
        told = _TOLD[language].format(question=answer.trace.standalone, text=answer.text)
        try:
            return written(form, [Message("user", told)], write), answer
        except UnfilledError:
            pass  # it may still be filled field by field
    facts = Facts(answer, ask)
    try:
        value = _Filler(facts, form).value(form.schema, ())
    except _MissingError as missing:
        raise UnfilledError(_UNFILLED[language][0].format(field=str(missing) or "this")) from missing
    if not form.accepts(value):
        raise UnfilledError(_UNFILLED[language][1])
    return json.dumps(value, ensure_ascii=False), facts.with_all_citations()


class _Budget:
    """How much of a schema may still be read: references could make a small one endless."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def spend_on(self, node: Json) -> None:
        """Spend on every part, also on those that nothing refers to."""
        self.spend()
        if isinstance(node, Mapping | list):
            for part in node.values() if isinstance(node, Mapping) else node:
                self.spend_on(part)

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise InputError(
                f"The schema refers to itself, or has more than {_MOST_NODES:,} parts.", "Send a smaller one."
            )


def _inlined(node: Json, root: Schema, budget: _Budget) -> Json:
    """The schema with what its references point to in their places."""
    budget.spend()
    if isinstance(node, list):
        return [_inlined(item, root, budget) for item in node]
    if not isinstance(node, Mapping):
        return node
    if "patternProperties" in node:
        raise InputError("The schema has patternProperties.", "Name each property.")
    rest = {
        key: _inlined(value, root, budget)
        for key, value in node.items()
        if key not in ("$ref", "$defs", "definitions", "$schema", "$id")
    }
    if isinstance(reference := node.get("$ref"), str):
        rest = {**_inlined(_target(reference, root), root, budget), **rest}
    return rest


def _target(reference: str, root: Schema) -> Json:
    node: Json = root
    for step in reference.removeprefix("#").split("/")[1:]:
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    if not reference.startswith("#") or not isinstance(node, Mapping):
        raise InputError(f"The schema refers to {reference}, which is not in it.", "Put it under $defs.")
    return node


def _matches(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    """The keyword `pattern`, in bounded time: `re` would hold up the whole process over a hostile one."""
    if isinstance(instance, str) and not regex.search(pattern, instance, timeout=_PATTERN_SECONDS):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _matches})


def _json_in(text: str) -> Json | None:
    """The first JSON object or list in a text, whatever stands around it."""
    for found in re.finditer(r"[{\[]", text):
        try:
            return json.JSONDecoder().raw_decode(text, found.start())[0]
        except (ValueError, RecursionError):
            continue
    return None


def _leaves(schema: Schema) -> Iterator[str]:
    """The types of the values that a form has room for, those of a list counted once."""
    below = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    below += [one for key in _BELOW for one in schema.get(key, ()) if one.get("type") != "null"][:1]
    if not below:
        kinds = schema.get("type", "string")
        yield kinds if isinstance(kinds, str) else next((kind for kind in kinds if kind != "null"), "null")
    for one in below:
        if isinstance(one, Mapping):
            yield from _leaves(one)


class _Filler:
    """Fills a form from facts."""

    def __init__(self, facts: Facts, form: Form) -> None:
        self._facts = facts
        kinds = list(_leaves(form.schema))
        self._one_value = len(kinds) == 1
        numbers = [kind for kind in kinds if kind in ("integer", "number")]
        self._one_number = len(numbers) == 1 and facts.ask is not None  # an item may lack its only number

    def value(self, schema: Schema, path: tuple[str, ...]) -> Json:
        """A value for one part of the form; _MissingError names the field for which there is none."""
        if "const" in schema:
            return schema["const"]
        missing = _MissingError(".".join(path))
        options = [option for key in _BELOW for option in schema.get(key, ())]
        kinds = [schema["type"]] if isinstance(schema.get("type"), str) else list(schema.get("type", ()))
        for one in [{**schema, **option, **dict.fromkeys(_BELOW, ())} for option in options] or [
            {**schema, "type": kind} for kind in kinds or [_kind_of(schema)]
        ]:
            if one.get("type") != "null":
                try:
                    return self._of_type(one, path)
                except _MissingError as error:
                    missing = error
        if "default" in schema:
            return schema["default"]
        if "null" in kinds or any(option.get("type") == "null" for option in options):
            return None
        raise missing

    def _of_type(self, schema: Schema, path: tuple[str, ...]) -> Json:
        kind = schema.get("type") or _kind_of(schema)
        label = self._label(schema, path, kind)
        match kind:
            case _ if schema.get("enum"):
                value = self._facts.choice(label, schema["enum"])
            case "object":
                return self._object(schema, path)
            case "array":
                return self._list(schema, path, label)
            case "boolean":
                value = self._facts.decision(label)
            case "integer" | "number":
                value = self._facts.number(label, whole=kind == "integer")
            case _:
                value = self._facts.text(label, str(schema.get("format") or ""))
        if value is None:
            raise _MissingError(".".join(path))
        return value

    def _label(self, schema: Schema, path: tuple[str, ...], kind: str) -> Label:
        told = str(schema.get("description") or "")
        alone = self._one_value or (self._one_number and kind in ("integer", "number"))
        language = language_of(self._facts.answer.question)
        return Label(path[-1] if path else "answer", told, language, alone)

    def _object(self, schema: Schema, path: tuple[str, ...]) -> dict[str, Json]:
        found = {}
        for name, below in schema.get("properties", {}).items():
            try:
                found[name] = self.value(below if isinstance(below, Mapping) else {}, (*path, name))
            except _MissingError:
                if name in schema.get("required", ()):
                    raise
        if not found and schema.get("properties"):
            raise _MissingError(".".join(path))
        return found if found or schema.get("properties") else {"answer": self._facts.answer.text}

    def _list(self, schema: Schema, path: tuple[str, ...], label: Label) -> list[Json]:
        item = schema.get("items") or {}
        found: list[Json] = []
        for facts in self._facts.each(label):
            try:
                found.append(_Filler(facts, Form(item)).value(item, path))
            except _MissingError:
                continue
        unique = [value for place, value in enumerate(found) if value not in found[:place]]
        if not unique:
            raise _MissingError(".".join(path))
        return unique[: schema.get("maxItems")]


def _kind_of(schema: Schema) -> str:
    return "object" if "properties" in schema else "array" if "items" in schema else "string"
