"""Everything about a retraining that can be set, flat, with its limits: what the page and `--set` offer."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finetune.pairs.check import PersonalData
from finetune.retrain.values import RetrainSettings
from finetune.training.values import Variant
from knowledge_base.errors import InputError

Option = int | float | str | bool

_USUAL = RetrainSettings()
_TRAIN, _SAMPLES, _CHECKS, _LIMITS = _USUAL.train, _USUAL.samples, _USUAL.checks, _USUAL.limits


class RetrainOptions(BaseModel):
    """The settings of a retraining as one flat, closed list; the defaults are those of the parts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(_USUAL.seed, ge=0, lt=2**31, description="Decides every draw.")
    heldout: float = Field(_USUAL.heldout, gt=0, lt=1, description="Share of the documents that measure.")
    fitting: float = Field(_USUAL.fitting, gt=0, lt=1, description="Share of the others that calibrates.")
    fit_questions: int = Field(_USUAL.fit_questions, ge=1, description="Questions to calibrate on, at most.")
    way_questions: int = Field(_USUAL.way_questions, ge=0, description="Questions to choose the way on.")
    heldout_questions: int = Field(_USUAL.heldout_questions, ge=3, description="Questions asked, at most.")
    wrong_refusals: float = Field(
        _USUAL.wrong_refusals, ge=0, lt=1, description="Share of answerable questions that may be refused."
    )
    start: str = Field(
        _USUAL.start, min_length=1, description="Go on from live, from a version like bank@3, or from base."
    )

    epochs: float = Field(_TRAIN.epochs, gt=0, le=1000, description="Times that all samples are learned.")
    rank: int = Field(_TRAIN.rank, ge=1, le=4096, description="Rank of the LoRA matrices.")
    alpha: int = Field(_TRAIN.alpha, ge=1, description="Scale of the LoRA matrices.")
    dropout: float = Field(_TRAIN.dropout, ge=0, lt=1, description="Dropout inside LoRA.")
    variant: Variant = Field(_TRAIN.variant, description="lora, rslora or dora.")
    targets: str = Field("auto", min_length=1, description='Layers, "q_proj,v_proj" say, or auto.')
    learning_rate: float = Field(_TRAIN.learning_rate, gt=0, le=1, description="Highest learning rate.")
    warmup: float = Field(_TRAIN.warmup, ge=0, lt=1, description="Share of the steps until then.")
    samples_per_step: int = Field(_TRAIN.samples_per_step, ge=1, description="Replies learned in a step.")
    keep_pieces: int = Field(_TRAIN.keep_pieces, ge=0, description="Pieces of plain text beside, in a step.")
    keep_weight: float = Field(_TRAIN.keep_weight, ge=0, description="How much they hold back forgetting.")
    forget_limit: float = Field(
        _TRAIN.forget_limit, gt=0, description="Rise of the loss on general text before it is scaled down."
    )
    row_tokens: int = Field(_TRAIN.row_tokens, ge=64, description="Tokens computed at once.")
    dev_share: float = Field(_TRAIN.dev_share, ge=0, lt=0.5, description="Share of pairs that stop it.")
    measurements: int = Field(_TRAIN.measurements, ge=1, description="Measurements in an epoch.")
    patience: int = Field(_TRAIN.patience, ge=1, description="Measurements without a better one.")
    four_bit: bool = Field(_TRAIN.four_bit, description="Base in four bits, on CUDA only.")
    checkpoint_seconds: float = Field(
        _TRAIN.checkpoint_seconds, ge=0, description="Seconds of training that a kill may cost."
    )

    passage_tokens: int = Field(_SAMPLES.passage_tokens, ge=16, description="Tokens of a passage, at most.")
    distractors: float = Field(
        _SAMPLES.distractors, ge=0, le=50, description="Wrong passages to refuse each, on average."
    )
    focused: float = Field(
        _SAMPLES.focused,
        ge=0,
        le=1,
        description="Share of the questions that read the nearest sentences only.",
    )
    focus: int = Field(_SAMPLES.focus, ge=1, le=20, description="So many sentences.")
    together: float = Field(_SAMPLES.together, ge=0, le=1, description="Share also read all at once.")
    together_tokens: int = Field(_SAMPLES.together_tokens, ge=64, description="Tokens of these.")
    removed: float = Field(_SAMPLES.removed, ge=0, le=1, description="Share of those without the right one.")
    sentences: float = Field(_SAMPLES.sentences, ge=0, le=1, description="Share that learn sentences too.")

    longest_question: int = Field(_CHECKS.longest_question, ge=1, description="Characters, at most.")
    longest_answer: int = Field(_CHECKS.longest_answer, ge=1, description="Characters, at most.")
    longest_sentence: int = Field(_CHECKS.longest_sentence, ge=1, description="Characters, at most.")
    near_duplicate: float = Field(
        _CHECKS.near_duplicate, gt=0, le=1, description="Likeness from which questions are the same."
    )
    personal: PersonalData = Field(_CHECKS.personal, description="Personal data: mask, drop or keep.")
    languages: Literal["en,zh", "en", "zh"] = Field("en,zh", description="Languages of the questions.")
    given_away: bool = Field(_CHECKS.given_away, description="Questions may hold their answer.")
    public: str = Field("", description="Numbers and @domains that everybody may know, by commas.")

    min_answerable: int = Field(_LIMITS.min_answerable, ge=1, description="Answerable cases, at least.")
    min_unanswerable: int = Field(_LIMITS.min_unanswerable, ge=0, description="Others, at least.")
    min_refusal_recall: float = Field(
        _LIMITS.min_refusal_recall, ge=0, le=1, description="Share that must be refused rightly."
    )
    max_refusal_recall_drop: float = Field(
        _LIMITS.max_refusal_recall_drop, ge=0, le=1, description="Its fall against the live one, at most."
    )
    max_false_refusals: float = Field(
        _LIMITS.max_false_refusals, ge=0, le=1, description="Share refused wrongly, at most."
    )
    max_forgetting: float = Field(
        _LIMITS.max_forgetting, ge=0, description="Rise of the loss on general text, at most."
    )
    max_latency_ratio: float = Field(
        _LIMITS.max_latency_ratio, gt=0, description="Seconds against the live one, at most."
    )
    near_without_context: float = Field(
        _LIMITS.near_without_context, gt=0, le=1, description="Share of F1 from memory that is warned of."
    )
    confidence: float = Field(_LIMITS.confidence, gt=0, lt=1, description="Of every interval.")
    resamples: int = Field(_LIMITS.resamples, ge=100, le=1_000_000, description="Of the bootstrap.")


_PARTS: Mapping[str, frozenset[str]] = {
    part: frozenset(name for name in RetrainOptions.model_fields if hasattr(getattr(_USUAL, part), name))
    for part in ("train", "samples", "checks", "limits")
}


def options_of(given: Mapping[str, Option]) -> RetrainOptions:
    """The options with what was given; InputError names every problem, of an unknown name the known ones."""
    try:
        return RetrainOptions.model_validate(dict(given))
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
    listed = "".join(f"\n  {problem}" for problem in problems)
    known = ", ".join(RetrainOptions.model_fields)
    raise InputError(f"These settings of the retraining do not fit:{listed}", f"\nThe settings are {known}.")


def settings_of(given: Mapping[str, Option]) -> RetrainSettings:
    """The settings of a retraining from flat ones; see `options_of` for what is raised."""
    options = options_of(given)
    chosen = {name: _converted(name, getattr(options, name)) for name in options.model_fields_set}
    parts: dict[str, Any] = {
        part: replace(getattr(_USUAL, part), **_of(chosen, names)) for part, names in _PARTS.items()
    }
    own = set(RetrainOptions.model_fields).difference(*_PARTS.values()) | {"seed"}
    return replace(_USUAL, **parts, **_of(chosen, own))


def _of(chosen: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: chosen[name] for name in names if name in chosen}


def _converted(name: str, value: object) -> object:
    """Lists are written with commas."""
    if not isinstance(value, str) or name not in ("targets", "languages", "public"):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if name == "targets":
        return "auto" if parts == ["auto"] else tuple(parts)
    return frozenset(parts)


def _problem(detail: Mapping[str, Any]) -> str:
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"{name}: there is no such setting"
    message = str(detail["msg"]).replace("Input should", "should")
    return f"{name}: {message[:1].lower()}{message[1:]}, but is {detail['input']!r}"
