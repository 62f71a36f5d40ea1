"""What a retraining is given, what it asks of the program around it, and what it tells while it works."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import JsonValue

from finetune.evaluation.calibration import Read
from finetune.evaluation.gate import LIMITS, Limits
from finetune.evaluation.reasons import Told
from finetune.evaluation.values import LIVE, Ask
from finetune.pairs.check import CheckSettings
from finetune.pairs.values import Dropped, Pair, Task
from finetune.registry.entry import Entry
from finetune.registry.manifest import Data, StoredReading
from finetune.samples import Library, SampleSettings
from finetune.training.values import TrainSettings
from retrieval.context import CountTokens
from retrieval.prompt import Language

if TYPE_CHECKING:  # it loads torch and PEFT, and who only looks at runs needs neither
    from finetune.training.values import Base

Calibrating = Literal["scored", "unscored"]
Step = Literal["pairs", "check", "split", "samples", "train", "calibrate", "evaluate", "judge", "register"]
STEPS: tuple[Step, ...] = (
    "pairs", "check", "split", "samples", "train", "calibrate", "evaluate", "judge", "register"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """How far a retraining is: the step, how much of it is done of how much, and what is happening.

    `loss` and `dev_loss` are set while it trains, `seconds_left` of the step where it is known.
    """

    step: Step
    done: int
    total: int
    note: str = ""
    loss: float | None = None
    dev_loss: float | None = None
    seconds_left: float | None = None


Tell = Callable[[Status], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a retraining came to: the version that was registered, the verdict, and its report."""

    name: str
    version: int
    promoted: bool
    reasons: tuple[Told, ...]
    report: str


@dataclass(frozen=True, slots=True)
class Given:
    """Where a retraining starts: pairs and tasks as they were read, what was dropped, and their sources."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    sources: tuple[Data, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """Everything that decides what comes out, beside pairs, documents and base.

    heldout: share of the documents whose pairs only measure. fitting: share of the other documents whose
    pairs are not learned but fit the calibration. fit_questions and heldout_questions bound what is asked,
    since asking takes longer than learning; way_questions choose the way of reading. wrong_refusals: share of
    the answerable questions that may be refused. start: what the candidate goes on from: "live" is the
    adapter that answers now, "bank@3" that version, which may be a rejected one, and "base" begins a fresh
    one; tasks always begin fresh.
    """

    checks: CheckSettings = field(default_factory=CheckSettings)
    samples: SampleSettings = field(default_factory=SampleSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    limits: Limits = LIMITS
    heldout: float = 0.2
    fitting: float = 0.1
    fit_questions: int = 120
    way_questions: int = 40
    heldout_questions: int = 150
    wrong_refusals: float = 0.05
    start: str = LIVE
    seed: int = 0


def plain(settings: RetrainSettings) -> dict[str, JsonValue]:
    """Settings as JSON can hold them, always in one order."""
    told = asdict(settings)
    told["checks"]["languages"] = sorted(settings.checks.languages)
    told["checks"]["public"] = sorted(settings.checks.public)
    told["train"]["targets"] = list(settings.train.targets) if settings.train.targets != "auto" else "auto"
    return told


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to answer: without an adapter, with a registered one ("bank@3"), or with the one in a folder.

    `reading` None is what is served with it. `examples` False leaves out worked examples that would be
    served, `context` False asks without any passage.
    """

    name: str
    adapter: str | Path | None = None
    reading: StoredReading | None = None
    examples: bool = True
    context: bool = True


class Surroundings(Protocol):
    """What the program around provides: the collection, the base, and the answering that is served."""

    @property
    def library(self) -> Library:
        """The collection, searched as it is served."""
        ...

    @property
    def base(self) -> "Base":
        """The model to adapt."""
        ...

    @property
    def base_digest(self) -> str:
        """SHA-256 of its weights."""
        ...

    @property
    def signals(self) -> Mapping[Calibrating, Sequence[str]]:
        """The signals of each calibration: "scored" with the reader's doubt, "unscored" without."""
        ...

    @property
    def count_tokens(self) -> CountTokens:
        """Tokens of texts by the base's tokenizer."""
        ...

    @property
    def live(self) -> str | None:
        """The adapter that answers now, as "bank@3"; None if that is the base."""
        ...

    @property
    def language(self) -> Language:
        """The language of reports."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """Texts that the licence of the base wants shown with whatever is derived from it."""
        ...

    def adapter(self, reference: str) -> Entry:
        """A registered adapter; NotFoundError if it is gone."""
        ...

    def texts(self) -> Mapping[str, str]:
        """The text of every document of the collection by its path."""
        ...

    def ask(self, contender: Contender) -> Ask:
        """The answering function that is served, as this contender."""
        ...

    def reads(
        self, contender: Contender, pairs: Sequence[Pair], tell: Callable[[int, int], None]
    ) -> list[Read]:
        """Signals of the passages read for each pair, as it is and with its evidence taken out."""
        ...

    def finish(self, contender: Contender, task: Task) -> str:
        """The reply to a task, without retrieval."""
        ...
