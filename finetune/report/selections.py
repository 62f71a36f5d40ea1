"""Pairs that were used and pairs that were dropped, as reports list them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from finetune.pairs.personal import mask_personal
from finetune.pairs.values import Dropped
from finetune.registry.manifest import Data
from finetune.report.dropping import kind_of
from finetune.report.values import Lost, Source


def lost_of(dropped: Iterable[Dropped], public: frozenset[str] = frozenset()) -> tuple[Lost, ...]:
    """Each dropped pair, personal data in its question masked but for what is `public`."""
    return tuple(Lost(d.origin or d.id, mask_personal(d.question, public), d.reason) for d in dropped)


def by_reason(dropped: Iterable[Dropped]) -> Counter[str]:
    """How many were dropped for each kind of reason."""
    return Counter(kind_of(entry.reason) for entry in dropped)


def sources_of(data: Sequence[Data]) -> tuple[Source, ...]:
    """Where pairs came from."""
    return tuple(Source(entry.name, entry.licence, entry.pairs or 0) for entry in data)
