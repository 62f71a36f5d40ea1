"""Turns a question into the sentence that answers it, given the value: "What does X cost?" and 200 yuan."""

import re

from retrieval.prompt import Language

_IRREGULAR = {"have": "has", "do": "does", "go": "goes", "be": "is"}
_PAST = {"have": "had", "cost": "cost", "give": "gave", "pay": "paid", "take": "took", "get": "got",
         "do": "did", "make": "made", "earn": "earned", "go": "went",
         "begin": "began", "last": "lasted"}  # fmt: skip
_LONGEST = 220
_SUBJECT = r"(?P<subject>(?:the |a |an |my |your |our |each |one )?[^,?]+?)"
# As `conversation.with_years` writes them; a sentence has the year at its end.
_RELATIVE_YEAR = re.compile(
    r"\s*\b(?:this|last|next) year \(((?:19|20)\d\d)\)"
    r"|(?:今年|去年|明年|本年度?|上一?年度?)（((?:19|20)\d\d)年）的?"
)
_SECOND_PERSON = re.compile(r"\b(?:i|we|my|our|me|us)\b", re.IGNORECASE)


def statement(question: str, value: str, language: Language) -> str:
    """The full sentence that gives `value` as the answer, "" where the question's form is not known."""
    plain = question.strip()
    last = re.split(r"(?<=[.!。！])\s*", plain)[-1]
    relative = _RELATIVE_YEAR.search(last)
    last = _RELATIVE_YEAR.sub("", last)
    made = _chinese(last, value) if language == "zh" else _english(last, value)
    if made and relative:
        made = with_year(made, relative[1] or relative[2])
    return made if len(made) < _LONGEST else ""


def with_year(said: str, year: str) -> str:
    """The sentence with the year of its document: "The fee is 12 yuan (2026)."."""
    return f"{said[:-1]}（{year}年）。" if said.endswith("。") else f"{said.rstrip('.')} ({year})."


def _english(question: str, value: str) -> str:
    text = re.sub(
        r"^(?:and|so|but|hi|hello|please|then|also|ok|well)[, ]+", "", question, flags=re.IGNORECASE
    ).rstrip("? .!")
    value = value.strip().rstrip(".")
    if re.match(r"^(?:free|none|nothing|no\b|closed|never|yes\b)", value, re.IGNORECASE) and not re.match(
        r"^what(?:'s| is| are)\b", text, re.I
    ):
        return ""
    found = re.match(
        r"^what(?:'s| (?P<be>is|are|was|were)) (?P<rest>(?:the|my|your|our|its) .+)$", text, re.IGNORECASE
    )
    if found and not re.search(r"\b(?:if|when|do|does|did|can|i)\b", found["rest"], re.IGNORECASE):
        return _sentence(f"{found['rest']} {found['be'] or 'is'} {value}")
    found = re.match(
        rf"^(?:what|how much) (?:does|do|did) {_SUBJECT} cost(?P<tail>\b.*)?$", text, re.IGNORECASE
    )
    if found and not _SECOND_PERSON.search(found["subject"]):
        verb = "cost" if re.search(r"\bdid\b|\bdo\b", text[: found.start("subject")], re.I) else "costs"
        return _sentence(f"{found['subject']} {verb} {value}{_without_subject(found['tail'])}")
    found = re.match(r"^how much (?P<be>is|are|was|were) (?P<subject>.+)$", text, re.IGNORECASE)
    if found:
        return _sentence(f"{found['subject']} {found['be']} {value}")
    found = re.match(
        rf"^how many (?P<noun>[\w -]+?) (?P<do>does|do|did) {_SUBJECT} (?P<verb>\w+)"
        r"(?P<tail>(?: in| on| at| for| a| per)\b.*)?$",
        text,
        re.IGNORECASE,
    )
    if found and not _SECOND_PERSON.search(found["subject"]):
        noun = "" if _names_unit(value, found["noun"]) else f" {found['noun']}"
        return _sentence(
            f"{found['subject']} {_conjugated(found['verb'], found['do'])} {value}{noun}{found['tail'] or ''}"
        )
    return ""


def _names_unit(value: str, noun: str) -> bool:
    head = noun.rsplit(maxsplit=1)[-1].lower().rstrip("s")
    return head in value.lower()


def _without_subject(tail: str | None) -> str:
    return re.sub(r"^\s+(?:me|us|you)\b", "", tail or "")


def _conjugated(verb: str, auxiliary: str) -> str:
    if auxiliary.lower() == "do":
        return verb
    if auxiliary.lower() == "did":
        return _PAST.get(verb, f"{verb}d" if verb.endswith("e") else f"{verb}ed")
    return _IRREGULAR.get(verb, f"{verb}es" if verb.endswith(("s", "sh", "ch", "x")) else f"{verb}s")


def _sentence(text: str) -> str:
    text = re.sub(r"\bmy\b", "your", " ".join(text.split()), flags=re.IGNORECASE)
    return f"{text[:1].upper()}{text[1:]}."


def _chinese(question: str, value: str) -> str:
    text = re.sub(r"^(?:请问一下|请问|那么|那|我想问一下|想问一下)[，,]?", "", question).rstrip(
        "？?。！ 呀啊呢"
    )
    value = value.strip().rstrip("。")
    if re.match(r"^(?:无|不|没有|免|未)", value):
        return ""
    found = re.match(r"^(?P<subject>[^，,]{2,40}?)(?:是|为)(?:多少|几)(?:钱|元|天|个|次|年)?$", text)
    if found:
        return f"{found['subject']}是{value}。"
    found = re.match(r"^(?P<subject>[^，,]{2,30}?)(?:要|收|需要|需)?多少钱$", text)
    if found:
        return f"{found['subject']}为{value}。"
    found = re.match(r"^(?P<subject>[^，,]{2,30}?(?:费|价|率|额|金|限|电话|地址))多少$", text)
    return f"{found['subject']}是{value}。" if found else ""
