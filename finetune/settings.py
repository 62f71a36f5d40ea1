"""Every option of a retraining: declared once, with bounds, unit and help text.

The command line (`--set NAME=VALUE`), the page and the manifests of adapters use these fields by their names.
The parts say what each step needs; `RetrainSettings` is all of them as one flat, closed list.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from knowledge_base.errors import InputError
from retrieval.prompt import Language

Option = int | float | str | bool
Variant = Literal["lora", "rslora", "dora"]
PersonalData = Literal["mask", "drop", "keep"]

LIVE = "live"


def _listed(value: object) -> object:
    """Lists can be written with commas: "q_proj,v_proj"."""
    if not isinstance(value, str) or value == "auto":
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _option(default: Any, help_text: str, **bounds: Any) -> Any:  # noqa: ANN401 - a field of any type
    return Field(default, description=help_text, **bounds)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CheckSettings(_Settings):
    """Which pairs can be used; see `finetune.pairs.check`."""

    longest_question: int = _option(
        400, "Maximum length of a question in characters. Longer ones are dropped.", ge=1
    )
    longest_answer: int = _option(
        300, "Maximum length of a short answer in characters. Longer ones are dropped.", ge=1
    )
    longest_sentence: int = _option(
        1000, "Maximum length of a `sentence` in characters. Longer ones are dropped.", ge=1
    )
    near_duplicate: float = _option(
        0.8,
        "Similarity (Jaccard, 0–1) from which two questions count as the same one. Raise it if "
        "questions that differ in one word are dropped.",
        gt=0,
        le=1,
    )
    personal: PersonalData = _option(
        "mask",
        "Personal data in pairs: mask replaces it by its kind, drop drops the pair, keep does nothing.",
    )
    languages: Annotated[tuple[Language, ...], BeforeValidator(_listed)] = _option(
        ("en", "zh"), "Languages of the questions to use: en, zh, or both, separated by commas."
    )
    given_away: bool = _option(
        True, "Use questions that contain their own answer. Generated ones are always dropped."
    )
    public: Annotated[tuple[str, ...], BeforeValidator(_listed)] = _option(
        (), "Numbers and mail domains that are not personal data, separated by commas: 95588,@bank.example."
    )


class _Seeded(_Settings):
    seed: int = _option(
        0, "Seed of every random choice. The same seed gives the same adapter.", ge=0, lt=2**31
    )


class SampleSettings(_Seeded):
    """Which training samples are made of each pair; see `finetune.samples`."""

    passage_tokens: int = _option(700, "Maximum length of a passage in a training prompt, in tokens.", ge=16)
    distractors: float = _option(
        1,
        "Wrong passages per question that the model learns to refuse, on average. Raise it if the "
        "adapter answers from wrong passages, lower it if it refuses too often.",
        ge=0,
        le=50,
    )
    compressed: float = _option(
        0.5,
        "Fraction of the questions whose passages are cut to the sentences nearest to the question.",
        ge=0,
        le=1,
    )
    kept_sentences: int = _option(2, "Number of sentences that are kept when a passage is cut.", ge=1, le=20)
    together: float = _option(
        0.1, "Fraction of the questions also trained with all passages in one prompt.", ge=0, le=1
    )
    together_tokens: int = _option(2800, "Maximum length of a prompt with all passages, in tokens.", ge=64)
    removed: float = _option(
        0.3,
        "Fraction of the prompts with all passages from which the right one is removed, to train refusing.",
        ge=0,
        le=1,
    )
    sentences: float = _option(
        1.0, "Fraction of the pairs with a `sentence` that also train on it.", ge=0, le=1
    )


class TrainSettings(_Seeded):
    """How an adapter is trained; see `finetune.training`.

    rank, alpha, dropout, variant and targets are those of a fresh adapter (LoRA, Hu et al. 2021; rsLoRA,
    Kalajdzievski 2023; DoRA, Liu et al. 2024). An adapter that is trained further keeps its own.
    """

    epochs: float = _option(
        2.0,
        "Number of times each training sample is used. More epochs fit a few pairs better and forget more.",
        gt=0,
        le=1000,
    )
    rank: int = _option(
        16, "Rank of the LoRA matrices. A higher rank can learn more and needs more memory.", ge=1, le=4096
    )
    alpha: int = _option(
        32, "LoRA's alpha: the update is scaled by alpha/rank, or alpha/√rank with rslora.", ge=1
    )
    dropout: float = _option(
        0.0, "Dropout rate of LoRA, 0–1. Raise it if a small set is overfitted.", ge=0, lt=1
    )
    variant: Variant = _option(
        "lora", "lora, rslora (stable at high rank) or dora (learns a magnitude, slower)."
    )
    targets: Annotated[tuple[str, ...] | Literal["auto"], BeforeValidator(_listed)] = _option(
        "auto", 'Linear layers to adapt, separated by commas, such as "q_proj,v_proj"; auto = all.'
    )
    learning_rate: float = _option(0.0003, "Peak learning rate. Lower it if the loss jumps.", gt=0, le=1)
    warmup: float = _option(
        0.05, "Fraction of the steps over which the learning rate rises to its peak.", ge=0, lt=1
    )
    samples_per_step: int = _option(24, "Batch size: training samples per optimizer step.", ge=1)
    kl_pieces: int = _option(
        1, "Pieces of plain text per step (96 tokens each) for the KL regularization.", ge=0
    )
    kl_weight: float = _option(
        2.0,
        "Weight of the KL divergence from the base model on plain text. Raise it if the adapter "
        "forgets too much; 0 switches it off.",
        ge=0,
    )
    forget_limit: float = _option(
        0.03,
        "Rise of the loss on general text, in nats per token, above which the trained adapter is "
        "scaled down.",
        gt=0,
    )
    sequence_tokens: int = _option(1024, "Tokens per packed sequence. Lower it if memory runs out.", ge=64)
    dev_share: float = _option(0.05, "Fraction of the training pairs kept for early stopping.", ge=0, lt=0.5)
    measurements: int = _option(4, "Measurements of the validation loss per epoch.", ge=1)
    patience: int = _option(4, "Measurements without improvement after which training stops early.", ge=1)
    four_bit: bool = _option(False, "Load the base model in 4 bits. CUDA only; saves memory.")
    checkpoint_seconds: float = _option(
        60.0, "Seconds between checkpoints. An interruption loses no more work than that.", ge=0
    )


class GateSettings(_Seeded):
    """What a candidate must show before it answers; see `finetune.evaluation.promotion`.

    A limit that the live adapter misses itself is relative to it: the candidate may then be worse than the
    live one by no more than `margin`.
    """

    min_answerable: int = _option(
        30, "Minimum number of answerable test questions. With fewer, nothing is promoted.", ge=1
    )
    min_unanswerable: int = _option(
        10, "Minimum number of unanswerable test questions. With fewer, nothing is promoted.", ge=0
    )
    min_refusal_recall: float = _option(
        0.75, "Minimum fraction of the unanswerable questions that must be refused.", ge=0, le=1
    )
    max_false_refusals: float = _option(
        0.1, "Maximum fraction of the answerable questions that may be refused.", ge=0, le=1
    )
    margin: float = _option(
        0.05,
        "How much worse than the live adapter a value may be if the live one misses its limit.",
        ge=0,
        le=1,
    )
    max_kind_loss: float = _option(
        0.1, "Maximum loss of F1 on one kind of question, if statistically significant.", ge=0, le=1
    )
    max_forgetting: float = _option(
        0.05, "Maximum rise of the loss on general text, in nats per token.", ge=0
    )
    max_latency_ratio: float = _option(
        1.5,
        "Maximum ratio of the candidate's times to those of the live adapter: time to the first word, "
        "and seconds per word.",
        gt=0,
    )
    near_without_context: float = _option(
        0.8,
        "Fraction of its F1 that the candidate may reach without any passage before the report warns "
        "that it answers from memory.",
        gt=0,
        le=1,
    )
    confidence: float = _option(0.95, "Confidence level of every interval, 0–1.", gt=0, lt=1)
    resamples: int = _option(
        10_000,
        "Resamples of the bootstrap. More take longer and give more precise intervals.",
        ge=100,
        le=1_000_000,
    )


class RetrainSettings(CheckSettings, SampleSettings, TrainSettings, GateSettings):
    """Everything that decides what a retraining gives, beside pairs, documents and base model."""

    test_share: float = _option(
        0.2, "Fraction of the documents whose pairs are used only for testing.", gt=0, lt=1
    )
    calibration_share: float = _option(
        0.1, "Fraction of the remaining documents whose pairs calibrate when to refuse.", gt=0, lt=1
    )
    calibration_questions: int = _option(
        120, "Maximum number of questions for calibration. More take longer and vary less.", ge=1
    )
    mode_questions: int = _option(
        40, "Maximum number of questions to select the reading mode; 0 keeps one passage at a time.", ge=0
    )
    test_questions: int = _option(
        150, "Maximum number of test questions for each contender. More take longer and vary less.", ge=3
    )
    wrong_refusals: float = _option(
        0.05, "Fraction of the answerable questions that the threshold may refuse.", ge=0, lt=1
    )
    start: str = _option(
        LIVE,
        "Where training starts: live (the adapter that answers now), a version such as bank@3, or base "
        "(a fresh adapter).",
        min_length=1,
    )

    def plain(self) -> dict[str, JsonValue]:
        """The settings as JSON can hold them, by name."""
        return dict(sorted(self.model_dump(mode="json").items()))


# What options were called in earlier versions.
_FORMER = {
    "heldout": "test_share",
    "fitting": "calibration_share",
    "fit_questions": "calibration_questions",
    "way_questions": "mode_questions",
    "heldout_questions": "test_questions",
    "keep_pieces": "kl_pieces",
    "keep_weight": "kl_weight",
    "row_tokens": "sequence_tokens",
    "focused": "compressed",
    "focus": "kept_sentences",
    "max_refusal_recall_drop": "margin",
}


def settings_of(given: Mapping[str, Option]) -> RetrainSettings:
    """The settings of a retraining from flat options; names of earlier versions are understood.

    Raises InputError that names every problem, and the options that there are.
    """
    named = {_FORMER.get(name, name): value for name, value in given.items()}
    try:
        return RetrainSettings.model_validate(named)
    except ValidationError as error:
        problems = "".join(f"\n  {_problem(detail)}" for detail in error.errors())
    known = ", ".join(sorted(RetrainSettings.model_fields))
    raise InputError(f"These training options are not valid:{problems}", f"\nAvailable options: {known}.")


def _problem(detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"{name}: there is no such option"
    message = str(detail["msg"]).replace("Input should", "should")
    return f"{name}: {message[:1].lower()}{message[1:]}, but is {detail['input']!r}"
