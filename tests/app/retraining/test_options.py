"""Flat settings become those of the retraining, and every problem is told at once."""

import dataclasses

import pytest

from app.retraining.options import RetrainOptions, options_of, settings_of
from finetune.retrain.values import RetrainSettings
from knowledge_base.errors import InputError

PARTS = ("train", "samples", "checks", "limits")


def test_without_any_they_are_the_usual_ones() -> None:
    assert settings_of({}) == RetrainSettings()


def test_everything_that_decides_can_be_set_and_is_described() -> None:
    usual = RetrainSettings()
    own = {field.name for field in dataclasses.fields(usual)} - set(PARTS)
    parts = {field.name for part in PARTS for field in dataclasses.fields(getattr(usual, part))}
    assert set(RetrainOptions.model_fields) == own | parts
    assert all(field.description for field in RetrainOptions.model_fields.values())


@pytest.mark.parametrize(
    "name", sorted(set(RetrainOptions.model_fields) - {"targets", "languages", "public"})
)
def test_the_usual_value_given_by_name_changes_nothing(name: str) -> None:
    assert settings_of({name: getattr(options_of({}), name)}) == RetrainSettings()


def test_each_reaches_its_part() -> None:
    made = settings_of(
        {"epochs": 3, "distractors": 2, "personal": "drop", "max_forgetting": 0.5, "heldout": 0.4}
    )
    assert (made.train.epochs, made.samples.distractors, made.checks.personal) == (3.0, 2, "drop")
    assert (made.limits.max_forgetting, made.heldout) == (0.5, 0.4)


def test_one_seed_decides_everything() -> None:
    made = settings_of({"seed": 7})
    assert {made.seed, made.samples.seed, made.train.seed, made.limits.seed} == {7}


def test_lists_are_written_with_commas() -> None:
    made = settings_of({"targets": "q_proj, v_proj", "languages": "zh", "public": "95588,@bank.example"})
    assert made.train.targets == ("q_proj", "v_proj")
    assert made.checks.languages == {"zh"}
    assert made.checks.public == {"95588", "@bank.example"}


def test_texts_of_the_command_line_become_numbers() -> None:
    made = settings_of({"rank": "8", "four_bit": "true", "learning_rate": "1e-3"})
    assert (made.train.rank, made.train.four_bit, made.train.learning_rate) == (8, True, 0.001)


def test_all_problems_are_told_together_with_what_there_is() -> None:
    with pytest.raises(InputError) as raised:
        settings_of(
            {"rank": 0, "epoch": 3, "heldout": 1.0, "personal": "hide", "learning_rate": float("nan")}
        )
    for told in ("rank: ", "epoch: there is no such setting", "heldout: ", "personal: ", "learning_rate: "):
        assert told in raised.value.cause
    assert "samples_per_step" in raised.value.remedy
