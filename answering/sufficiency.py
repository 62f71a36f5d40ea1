"""Is there enough evidence? One score from several signals, and one threshold.

No single signal separates a passage that holds the answer from its neighbour on the same subject: the
reader's own doubt, the search scores and the shared words each see a part. A logistic regression over
them, fitted on questions whose right passage is known (`benchmarks/calibrate.py`), gives one number
in 0…1. It orders questions, but is no measured probability. The weights belong to a generator and an
embedder, so they are stored as data.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from knowledge_base.errors import StorageError
from retrieval.analysis import content_terms, share
from retrieval.prompt import language_of
from retrieval.retriever import Ranked

SIGNALS = ("certainty", "cosine", "coverage", "dense", "lexical", "chinese")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of a logistic regression and the threshold below which a question is refused.

    A passage of at least the probability `sure` ends the reading: what is ranked behind it is not read.
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float
    sure: float = 1.0

    def probability(self, signals: Mapping[str, float]) -> float:
        """Probability in 0…1 that the passage with these signals holds the answer."""
        score = self.bias + sum(weight * signals[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def signals_of(question: str, ranked: Ranked, refusal_logprob: float | None) -> dict[str, float]:
    """The signals of one passage.

    certainty: −log P(first token of the refusal), 0 if the generator cannot say; cosine: of question and
    passage; coverage: share of the question's words in the passage; dense and lexical: 1/rank there,
    0 where not found; chinese: 1 for a question in Chinese, whose scores lie elsewhere.
    """
    asked = content_terms(question)
    held = content_terms(ranked.passage.indexed_text)
    return {
        "certainty": -refusal_logprob if refusal_logprob is not None else 0.0,
        "cosine": ranked.dense_score,
        "coverage": share(asked, held),
        "dense": 1 / ranked.dense_rank if ranked.dense_rank else 0.0,
        "lexical": 1 / ranked.lexical_rank if ranked.lexical_rank else 0.0,
        "chinese": float(language_of(question) == "zh"),
    }


def load_calibrations(path: Path) -> dict[str, Calibration]:
    """Calibrations by the way of reading: "scored" with the reader's certainty, "unscored" without.

    Raises:
        StorageError: if the file is missing or is not a calibration.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {name: _calibration(entry) for name, entry in stored["calibrations"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The calibration file {path} cannot be used: {error}.",
            "Restore it, or run benchmarks/calibrate.py.",
        ) from error


def _calibration(entry: Mapping[str, object]) -> Calibration:
    calibration = Calibration(**entry)  # type: ignore[arg-type]
    unknown = set(calibration.weights) - set(SIGNALS)
    if unknown:
        raise ValueError(f"unknown signals {sorted(unknown)}")
    return calibration


def dump_calibrations(calibrations: Mapping[str, Calibration], measured: Mapping[str, object]) -> str:
    """The JSON text of a calibration file; `measured` records what it was fitted on."""
    entries = {name: asdict(calibration) for name, calibration in calibrations.items()}
    return json.dumps({"measured": measured, "calibrations": entries}, indent=2, ensure_ascii=False) + "\n"


def best_of(probabilities: Sequence[float]) -> int:
    """The place of the likeliest passage, the better ranked one among equals."""
    return max(range(len(probabilities)), key=lambda place: (probabilities[place], -place))
