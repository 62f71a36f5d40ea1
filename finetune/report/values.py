"""What report pages show: one value for each page, made of the parts that several pages share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from finetune.evaluation.bootstrap import CONFIDENCE, Estimate
from finetune.evaluation.calibration import WRONG_REFUSALS
from finetune.evaluation.cases import Case
from finetune.evaluation.forgetting import Forgetting
from finetune.evaluation.promotion import Verdict
from finetune.evaluation.scoring import Scored, Summary
from finetune.pairs.values import Dropped
from finetune.reasons import Reason, ReasonKind
from finetune.registry.manifest import Data
from finetune.report.plots import RefusalLine
from finetune.training.values import Point


@dataclass(frozen=True, slots=True)
class Table:
    """The summaries of all contenders on one group of cases; `group` is a name of `texts_en.GROUPS`."""

    group: str
    summaries: Mapping[str, Summary]


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one contender answers than another, in F1 on the same questions."""

    name: str
    over: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pairs were used and which were not.

    `counts` are by what they count, a name of `texts_en.COUNTS`; `dropped` by kind of reason; `lost` is each
    of these pairs, its personal data masked.
    """

    counts: Mapping[str, int]
    dropped: Mapping[ReasonKind, int] = field(default_factory=dict)
    sources: tuple[Data, ...] = ()
    lost: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case with the scored answers of several contenders by name, in the order they are shown in."""

    case: Case
    scored: Mapping[str, Scored]


@dataclass(frozen=True, slots=True)
class Making:
    """How something was made: settings by name, versions of libraries, SHA-256 of what went in."""

    settings: Mapping[str, str]
    versions: Mapping[str, str]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What contenders reached. `regressions` are from `worst`, `examples` from `drawn`.

    `measured` names those that the page is about; the others are what they are compared with.
    `confidence` is that of all intervals.
    """

    tables: tuple[Table, ...]
    gains: tuple[Gain, ...]
    measured: tuple[str, ...]
    regressions: tuple[Comparison, ...]
    examples: tuple[Comparison, ...]
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class RetrainingReport:
    """A retraining from pairs to verdict; `made` is a date and time, `version` names the candidate.

    `reading` says why it reads as it does, `allowed` is the share of wrong refusals that the threshold was
    set for.
    """

    name: str
    version: str
    made: str
    verdict: Verdict
    measurement: Measurement
    forgetting: Forgetting | None
    losses: tuple[Point, ...]
    reading: tuple[Reason, ...]
    refusals: tuple[RefusalLine, ...]
    selection: Selection
    making: Making
    allowed: float = WRONG_REFUSALS


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """A training without a verdict, and the folder of its adapter."""

    name: str
    folder: str
    made: str
    losses: tuple[Point, ...]
    selection: Selection
    making: Making


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Contenders measured on the held-out pairs of a collection."""

    name: str
    made: str
    measurement: Measurement
    selection: Selection
    making: Making


@dataclass(frozen=True, slots=True)
class PairsReport:
    """What became of the pairs of one file of a collection."""

    name: str
    collection: str
    made: str
    selection: Selection
