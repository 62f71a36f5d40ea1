"""Manifests come back as they were written; damaged and newer ones are refused."""

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from answering.sufficiency import Calibration
from finetune.reasons import Reason, ReasonKind
from finetune.registry.manifest import (
    FILE_NAME,
    AdapterReading,
    Base,
    Data,
    Description,
    LossPoint,
    Manifest,
    Verdict,
    carried_manifest,
    manifest_of,
    read_manifest,
    write_manifest,
)
from knowledge_base.errors import MismatchError, ModelError
from tests.finetune.registry.folders import DESCRIPTION

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SHORT = st.dictionaries(TEXTS, FINITE, max_size=2)
CALIBRATIONS = st.builds(Calibration, weights=SHORT, bias=FINITE, threshold=FINITE)
READINGS = st.builds(
    AdapterReading,
    mode=st.sampled_from(["each", "together"]),
    passages=st.none() | st.integers(1, 9),
    kept_sentences=st.none() | st.integers(1, 9),
    examples=st.booleans(),
    calibrations=st.dictionaries(st.sampled_from(["scored", "unscored"]), CALIBRATIONS),
)
REASONS = st.builds(
    Reason,
    kind=st.sampled_from(get_args(ReasonKind)),
    figures=st.dictionaries(TEXTS, FINITE | TEXTS | st.integers(0, 9), max_size=2),
)
JSON = st.recursive(st.none() | st.booleans() | FINITE | TEXTS, lambda inner: st.lists(inner, max_size=2))
DESCRIPTIONS = st.builds(
    Description,
    base=st.none() | st.builds(Base, id=TEXTS, digest=st.none() | TEXTS),
    prompt_version=st.none() | st.integers(1, 9),
    data=st.lists(st.builds(Data, name=TEXTS, digest=TEXTS, licence=TEXTS), max_size=2).map(tuple),
    settings=st.dictionaries(TEXTS, JSON, max_size=2),
    losses=st.lists(st.builds(LossPoint, step=st.integers(0, 9), train=st.none() | FINITE)).map(tuple),
    evaluation=st.dictionaries(TEXTS, JSON, max_size=2),
    verdict=st.none()
    | st.builds(Verdict, promoted=st.booleans(), reasons=st.lists(TEXTS | REASONS).map(tuple)),
    parent=st.none() | st.integers(1, 9),
    notices=st.lists(TEXTS, max_size=2).map(tuple),
    reading=st.none() | READINGS,
)


def manifest(**changed: object) -> dict[str, object]:
    """The JSON of a manifest with some entries replaced."""
    made = manifest_of(DESCRIPTION, "bank", 3, {"adapter_config.json": "a"})
    return {**json.loads(made.model_dump_json()), **changed}


@given(description=DESCRIPTIONS, files=st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_a_manifest_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, description: Description, files: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("version")
    written = manifest_of(description, "bank", 3, files)
    write_manifest(folder, written)
    assert read_manifest(folder) == carried_manifest(folder) == written
    assert written.description() == description


def test_little_need_be_known() -> None:
    bare = manifest_of(Description(), "bank", 1, {})
    assert (bare.base, bare.prompt_version, bare.verdict, bare.reading) == (None, None, None, None)


def test_a_manifest_cannot_change() -> None:
    with pytest.raises(ValidationError):
        manifest_of(Description(), "bank", 1, {}).version = 2  # type: ignore[misc]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_are_finite(number: float) -> None:
    with pytest.raises(ValidationError):
        LossPoint(step=1, train=number)


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"version": "three"},
        {"files": None},
        {"colour": "blue"},
        {"reading": {"mode": "never"}},
    ],
)
def test_a_damaged_manifest_says_what_is_wrong(tmp_path: Path, changed: dict[str, object]) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(manifest(**changed)), encoding="utf-8")
    for read in (read_manifest, carried_manifest):
        with pytest.raises(ModelError, match=next(iter(changed))) as caught:
            read(tmp_path)
        assert "Import the adapter again" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "{", '{"format": "domainqa-ada', "\x00"])
def test_a_manifest_cut_short_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    for read in (read_manifest, carried_manifest):
        with pytest.raises(ModelError, match="not JSON"):
            read(tmp_path)


@pytest.mark.parametrize("body", [{}, {"name": "bank"}, [], {"format": "another"}])
def test_a_manifest_of_another_program_is_none(tmp_path: Path, body: object) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    assert carried_manifest(tmp_path) is None
    with pytest.raises(ModelError, match="incomplete"):
        read_manifest(tmp_path)


def test_a_missing_manifest_is_none(tmp_path: Path) -> None:
    assert carried_manifest(tmp_path) is None
    with pytest.raises(ModelError, match="incomplete"):
        read_manifest(tmp_path)


def test_a_newer_manifest_asks_for_an_update(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(manifest(schema_version=3, new=1)), encoding="utf-8")
    with pytest.raises(MismatchError, match="knows up to 2") as caught:
        read_manifest(tmp_path)
    assert caught.value.remedy == "Update domainqa."


def test_a_manifest_of_schema_1_with_its_sentences_still_loads(tmp_path: Path) -> None:
    told = manifest(schema_version=1, verdict={"promoted": False, "reasons": ["It forgets."]})
    (tmp_path / FILE_NAME).write_text(json.dumps(told), encoding="utf-8")
    assert read_manifest(tmp_path).verdict == Verdict(promoted=False, reasons=("It forgets.",))


def test_every_field_is_in_the_file() -> None:
    assert set(manifest()) == set(Manifest.model_fields)


def test_a_manifest_with_the_former_name_of_kept_sentences_is_read() -> None:
    reading = AdapterReading.model_validate({"mode": "each", "focus": 2})
    assert reading.kept_sentences == 2
    assert AdapterReading.model_validate_json(reading.model_dump_json()) == reading
