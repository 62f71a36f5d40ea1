"""The manifest of an adapter's version: how it was made. Written last, it makes the folder complete."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from answering.answer import Reading
from answering.sufficiency import SIGNALS, Calibration
from finetune.files import write_whole
from finetune.reasons import StoredReason
from knowledge_base.errors import MismatchError, ModelError

FILE_NAME = "manifest.json"
FORMAT = "domainqa-adapter"
SCHEMA = 2

Number = Annotated[int, Field(ge=1)]

LIBRARIES = ("torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "tantivy")

_AGAIN = "Import the adapter again from a copy, or train it again."


class _Value(BaseModel):
    """Frozen and closed; numbers are finite, since JSON knows no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Base(_Value):
    """The base model: its name in the settings, and `model_digest` of its folder where that is known."""

    id: str
    digest: str | None = None


class Data(_Value):
    """One set of pairs that was trained on: SHA-256 of its file, where it comes from, its licence."""

    name: str
    digest: str
    source: str = ""
    licence: str = ""
    pairs: int | None = None


class LossPoint(_Value):
    """Mean loss a token after `step` steps, on training samples and on held-out ones where it was taken."""

    step: int
    train: float | None = None
    held: float | None = None


class Verdict(_Value):
    """What the gate decided, and why: sentences in manifests of schema 1."""

    promoted: bool
    reasons: tuple[StoredReason, ...] = ()


class AdapterReading(_Value):
    """What an adapter says of how passages are read with it; the rest is as usual, see `over`.

    `passages` None takes the setting; `kept_sentences` None reads whole passages. `calibrations` are "scored"
    where the generator gives its refusal log-probability and "unscored" elsewhere.
    """

    mode: Literal["each", "together"] = "each"
    passages: Number | None = None
    kept_sentences: Number | None = Field(
        default=None, validation_alias=AliasChoices("kept_sentences", "focus")
    )
    examples: bool = False
    calibrations: dict[Literal["scored", "unscored"], Calibration] = {}

    def over(self, usual: Reading, adapter: str) -> Reading:
        """How passages are read with the adapter of that name.

        Raises MismatchError if its calibration weighs signals that this program does not know.
        """
        weighed = {signal for calibration in self.calibrations.values() for signal in calibration.weights}
        if unknown := sorted(weighed.difference(SIGNALS)):
            raise MismatchError(
                f"The calibration of the adapter {adapter} weighs unknown signals: {', '.join(unknown)}.",
                "Update domainqa, or train the adapter again: domainqa retrain.",
            )
        return replace(
            usual,
            mode=self.mode,
            passages=self.passages or usual.passages,
            kept_sentences=self.kept_sentences,
            examples=self.examples,
            scored=self.calibrations.get("scored", usual.scored),
            unscored=self.calibrations.get("unscored", usual.unscored),
        )


class Description(_Value):
    """What the maker of a version knows of it. All of it is optional: of a foreign adapter little is known.

    `prompt_version` is `retrieval.prompt.PROMPT_VERSION` at training; `evaluation` the figures of each
    contender; `start` the adapter that training went on from ("bank@2"), whose data are among `data`;
    `parent` the version that was live before; `notices` texts that licences want shown.
    """

    base: Base | None = None
    prompt_version: int | None = None
    data: tuple[Data, ...] = ()
    settings: dict[str, JsonValue] = {}
    seeds: dict[str, int] = {}
    libraries: dict[str, str] = {}
    losses: tuple[LossPoint, ...] = ()
    evaluation: dict[str, JsonValue] = {}
    verdict: Verdict | None = None
    start: str | None = None
    parent: int | None = None
    notices: tuple[str, ...] = ()
    reading: AdapterReading | None = None


class Manifest(Description):
    """A description with what the registry adds: which version it is, since when, and its files' SHA-256."""

    format: Literal["domainqa-adapter"] = "domainqa-adapter"
    schema_version: Literal[1, 2] = 2
    name: str
    version: Number
    created: str
    files: dict[str, str]

    def description(self) -> Description:
        """The description alone, without what the registry added."""
        return Description.model_validate(_told(self))


def manifest_of(description: Description, name: str, version: int, files: Mapping[str, str]) -> Manifest:
    """The manifest of a version that is made now; `files` are SHA-256 by name."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    identity = {"name": name, "version": version, "created": created, "files": dict(files)}
    return Manifest.model_validate(_told(description) | identity)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Complete a version's folder."""
    write_whole(folder / FILE_NAME, manifest.model_dump_json(indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a version's folder.

    Raises:
        ModelError: it is missing or damaged, so the version is not complete.
        MismatchError: a newer program wrote it.
    """
    body = _read(folder / FILE_NAME)
    if body is None or body.get("format") != FORMAT:
        raise ModelError(f"The adapter folder {folder} is incomplete: it has no valid {FILE_NAME}.", _AGAIN)
    return _manifest(folder, body)


def carried_manifest(folder: Path) -> Manifest | None:
    """The manifest that an exported folder carries; None if there is none, or it is another program's.

    Raises ModelError if it is ours and damaged, MismatchError if a newer program wrote it.
    """
    body = _read(folder / FILE_NAME)
    return None if body is None or body.get("format") != FORMAT else _manifest(folder, body)


def libraries() -> dict[str, str]:
    """Versions of the libraries that figures depend on."""
    return {name: metadata.version(name) for name in LIBRARIES}


def _told(description: Description) -> dict[str, Any]:
    return {name: getattr(description, name) for name in Description.model_fields}


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ModelError(f"{file} is damaged, it is not JSON: {error}.", _AGAIN) from error
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.", "Make it readable.") from error
    return body if isinstance(body, dict) else None


def _manifest(folder: Path, body: Mapping[str, Any]) -> Manifest:
    schema = body.get("schema_version")
    if isinstance(schema, int) and schema > SCHEMA:
        raise MismatchError(
            f"The manifest in {folder} has version {schema}; this program knows up to {SCHEMA}.",
            "Update domainqa.",
        )
    try:
        return Manifest.model_validate(body)
    except ValidationError as error:
        problems = "; ".join(f"{_place(entry['loc'])}: {entry['msg']}" for entry in error.errors()[:3])
        raise ModelError(f"The manifest in {folder} is damaged: {problems}.", _AGAIN) from error


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts)
