"""Names of things in tables: what tells them apart, and whether a question means one that is not there."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from answering.quantities import quantities_in, ranges_in
from answering.wording import terms_in, without_asking
from knowledge_base.characters import HAN, has_chinese

_ENDING = 2
_HAN_DIGITS = "零〇一二两三四五六七八九十百"
# Chinese verbs, prepositions, measure words and units of dates that stand before a name.
_BEFORE_NAMES = frozenset(
    "办开用拿持申领换补刷销问查买卖租借存取选有无去从对每张个份种次本该各某想说看找交付收缴转汇退改挂丢掉没带凭于由做当家按算属叫年月日号天时季版"
)


def telling_apart(group: Sequence[frozenset[str]], above: frozenset[str], asked: frozenset[str]) -> set[str]:
    """Terms in which two of the group differ and all else is the same, if the question is of that table."""
    by_rest: dict[frozenset[str], set[str]] = {}
    for terms in group:
        for term in terms:
            by_rest.setdefault(terms - {term}, set()).add(term)
    return {
        term
        for rest, differing in by_rest.items()
        if len(differing) > 1
        for term in differing
        if (rest | above - {term}) & asked
    }


def han_prefixes(names: Sequence[str]) -> set[str]:
    """Of Chinese names with the same ending, the terms before it: 南湖 and 机场 of 南湖支行 and 机场支行."""
    endings = Counter(name[-_ENDING:] for name in names if has_chinese(name[-1:]))
    return {
        term
        for name in names
        if endings[name[-_ENDING:]] > 1
        for term in terms_in(name[:-_ENDING])
        if has_chinese(term)
    }


def names_another(question: str, names: Sequence[str], above: str) -> bool:
    """Whether a question has a Chinese word with the ending of these names, but none of the names.

    A word that stands in the headings `above` the names is what they all are.
    """
    if any(name in question for name in names) or any(
        asked.equals(own) and asked.dimension
        for asked in quantities_in(question)
        for name in names
        for own in quantities_in(name)
    ):
        return False
    question = re.sub(r"(?:19|20)\d\d年", " ", question)
    endings = Counter(name[-size:] for name in names for size in (1, _ENDING) if len(name) > size)
    for ending in (one for one, count in endings.items() if count > 1 and all(map(has_chinese, one))):
        qualifiers = [name.removesuffix(ending) for name in names if name.endswith(ending)]
        for found in re.finditer(re.escape(ending), question):
            before = without_asking(question[: found.start()])
            asked = re.search(rf"[{HAN}\d]{{{3 - len(ending)},}}$", before)
            if (
                asked
                and f"{asked[0]}{ending}" not in above
                and not any(_is_qualifier(one, asked[0]) for one in qualifiers)
            ):
                return True
    return False


def _is_qualifier(qualifier: str, asked: str) -> bool:
    """Whether what stands before an ending is of a name's qualifier; a number must be the whole of it."""
    number = re.search(rf"[{_HAN_DIGITS}\d]+$", asked)
    if number:
        one, other = quantities_in(f"{number[0]}个"), quantities_in(f"{qualifier}个")
        is_within = bool(one) and any(limit.holds(one[0]) for limit in ranges_in(qualifier))
        return is_within or bool(one and other and one[0].equals(other[0])) or number[0] == qualifier
    return asked.endswith(qualifier) or asked in qualifier


def uncovered(chunk: str, known: Callable[[str], bool]) -> set[int]:
    """Places of the characters of a Chinese chunk that are in no pair which some document holds."""
    held = {i + j for i in range(len(chunk) - 1) if known(chunk[i : i + 2]) for j in (0, 1)}
    return set(range(len(chunk))) - held


def within_longer_name(chunk: str, labels: frozenset[str], known: Callable[[str], bool]) -> str:
    """The label that a Chinese chunk holds within a longer name that no document has: 金卡 of 钛金卡.

    Before it stands a character that no document holds, or one by itself that is no verb or the like.
    "" if there is none.
    """
    bare = uncovered(chunk, known)
    for place in (i for i in range(1, len(chunk) - 1) if chunk[i : i + 2] in labels and i - 1 in bare):
        before = chunk[place - 1]
        if not known(before) or (place == 1 and before not in _BEFORE_NAMES):
            return chunk[place : place + 2]
    return ""
