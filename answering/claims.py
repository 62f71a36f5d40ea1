"""What a free answer in Markdown claims: its statements, the passages it names, what it says is missing."""

import re

from knowledge_base.sentences import sentence_spans
from retrieval.prompt import is_refusal

_MARKER = re.compile(r"[ \t]*[\[【](\d{1,2}(?:\s*[,，、]\s*\d{1,2})*)[\]】](?!\()")
_LIST_MARK = re.compile(r"^(?:(?:[-*+•]|\d{1,2}[.)])\s+|\d{1,2}、\s*)")
_SILENT = re.compile(r"^\s*(?:#{1,6}\s|[-*_]{3,}\s*$|```|\|[\s:|-]*$)|[:：]\**\s*$")
_RULE = re.compile(r"\|[\s:|-]*-[\s:|-]*$")

_SOURCE = r"(?:documents?|passages?|texts?|sources?|context|excerpts?)"
_SAYS = (
    r"(?:say|mention|contain|provide|include|specif\w+|state|answer|give|cover|indicate|information|describe|"
    r"address|define|list|explain|discuss)"
)
_SOURCE_ZH = r"(?:文档|文件|段落|资料|文本|文中|材料|上下文|上述内容|提供的(?:信息|内容)|知识库)"
_DENIALS = (
    # The documents do not mention it.
    rf"\b(?:{_SOURCE}|(?:provided|given|available) information)\b[^.;]{{0,40}}?"
    rf"\b(?:do(?:es)? not|don't|doesn't|did not|didn't|never|no|neither)\b[^.;]{{0,30}}\b{_SAYS}",
    # It is not in the documents.
    rf"\b(?:not|no (?:mention|information|details?|answer))\b[^.;]{{0,60}}\b(?:in|from|by) "
    rf"(?:the|these|any|your) (?:\w+ )?{_SOURCE}\b",
    # I cannot find it.
    r"\bI(?:'m| am)? (?:cannot|can't|can not|could not|couldn't|unable to|not able to|do not|don't)\b"
    r"[^.;]{0,20}\b(?:find|answer|determine|know|tell|help|assist|locate|provide)",
    rf"{_SOURCE_ZH}[^。；]{{0,12}}?(?:没有|未|并未|不|无)[^。；]{{0,6}}"
    r"(?:提|说|包含|给出|涉及|找到|相关|明确|列|记载|规定|回答|介绍)",
    r"(?:无法|不能|没法)(?:从|根据|由)?[^。；]{0,16}(?:回答|确定|找到|得知|判断|得出)",
    r"没有(?:找到|查到)[^。；]{0,16}(?:信息|内容|答案|说明)",
)
_DENIAL = re.compile("|".join(_DENIALS), re.IGNORECASE)


def denies(sentence: str) -> bool:
    """Whether a sentence says that the documents do not hold the answer, in free words."""
    return is_refusal(sentence) or bool(_DENIAL.search(sentence.replace("’", "'")))


def without_markers(text: str, passages: int) -> tuple[str, list[tuple[int, int]]]:
    """`text` without citation markers such as [2], and where they stood: (offset, number of the passage).

    Numbers beyond `passages` are no markers.
    """
    plain, last = "", 0
    claims: list[tuple[int, int]] = []
    for match in _MARKER.finditer(text):
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        if not all(1 <= number <= passages for number in numbers):
            continue
        plain += text[last : match.start()]
        last = match.end()
        claims += [(len(plain), number) for number in numbers]
    return plain + text[last:], claims


def statement_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, list items and table rows of Markdown that state something, without list marks.

    Headings, rules, fences, heads of tables, and what introduces a list with a colon state nothing.
    """
    spans = []
    for begin, end in sentence_spans(text):
        begins_line = not text[:begin].rpartition("\n")[2].strip()
        mark = _LIST_MARK.match(text[begin:end]) if begins_line else None
        start = begin + mark.end() if mark else begin
        below = text[end:].lstrip().partition("\n")[0]
        is_table_head = text[start:end].startswith("|") and bool(_RULE.match(below))
        if start < end and not is_table_head and not _SILENT.search(text[start:end]):
            spans.append((start, end))
    return spans
