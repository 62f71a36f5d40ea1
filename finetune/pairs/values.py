"""Question–answer pairs, other tasks, and dropped pairs: what adapters are trained on and tested with."""

from dataclasses import dataclass
from typing import Literal

from finetune.reasons import Reason
from retrieval.prompt import Message

SplitName = Literal["", "train", "test"]
# An answer that ends so is a reply in full sentences.
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that supports the answer by itself; a quote "" means anywhere in the document.

    `document` is the path of a document in its collection, `quote` a sentence or a table cell of the
    document's text, ignoring white space.
    """

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what would be right to reply.

    `answers` are the accepted short answers, the preferred one first; without any the documents do not say.
    `sentence` is the reply in one or two sentences, "" if none was given. `split` is "" where it is still
    to be decided. `origin` says where the pair comes from: "en.jsonl:12", "feedback", "generated".
    """

    id: str
    question: str
    answers: tuple[str, ...]
    sentence: str = ""
    evidence: tuple[Evidence, ...] = ()
    split: SplitName = ""
    origin: str = ""

    @property
    def answerable(self) -> bool:
        """Whether an answer would be right, and not the refusal."""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class Task:
    """Another task than answering, trained and served without retrieval: `messages` ask, `reply` is right."""

    id: str
    messages: tuple[Message, ...]
    reply: str
    split: SplitName = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A pair or task that is not used, with its reason; `question` is "" where it could not be read."""

    id: str
    question: str
    origin: str
    reason: Reason
