"""Documents of the year that a question names come before alike ones of other years."""

import re
from collections.abc import Sequence

from knowledge_base.values import Passage
from retrieval.retriever import Ranked

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def right_years_first(question: str, ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """The passages in their order, but those of documents of other years than the question names come last.

    This year's fee list and last year's are alike in everything else, so no score tells them apart. A
    document is of the years that its path, title and headings name; where either names none, nothing changes.
    """
    asked = set(_YEAR.findall(question))
    return tuple(sorted(ranked, key=lambda entry: _is_of_another(asked, entry.passage)))


def _is_of_another(asked: set[str], passage: Passage) -> bool:
    named = set(_YEAR.findall(" ".join((passage.document, passage.title, *passage.heading))))
    return bool(asked and named and not asked & named)
