"""Options become the settings of a retraining, and every problem is reported at once."""

import json

import pytest

from app.cli.training_options import flat_settings
from finetune.settings import (
    CheckSettings,
    GateSettings,
    RetrainSettings,
    SampleSettings,
    TrainSettings,
    settings_of,
)
from knowledge_base.errors import InputError

NAMES = sorted(RetrainSettings.model_fields)


def test_without_any_they_are_the_defaults() -> None:
    assert settings_of({}) == RetrainSettings()


def test_every_option_says_what_it_does() -> None:
    for name, field in RetrainSettings.model_fields.items():
        assert field.description and len(field.description) > 20, name


def test_the_parts_are_in_the_whole() -> None:
    for part in (CheckSettings, SampleSettings, TrainSettings, GateSettings):
        assert set(part.model_fields) <= set(NAMES)
        assert isinstance(settings_of({}), part)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_given_by_name_changes_nothing(name: str) -> None:
    assert settings_of({name: getattr(RetrainSettings(), name)}) == RetrainSettings()


@pytest.mark.parametrize(
    ("former", "now"),
    [("heldout", "test_share"), ("row_tokens", "sequence_tokens"), ("max_refusal_recall_drop", "margin")],
)
def test_names_of_earlier_versions_are_understood(former: str, now: str) -> None:
    value = 128 if now == "sequence_tokens" else 0.3
    assert getattr(settings_of({former: value}), now) == value


def test_lists_are_written_with_commas() -> None:
    made = settings_of({"targets": "q_proj, v_proj", "languages": "zh", "public": "95588,@bank.example"})
    assert made.targets == ("q_proj", "v_proj")
    assert made.languages == ("zh",)
    assert made.public == ("95588", "@bank.example")


def test_texts_of_the_command_line_become_numbers() -> None:
    made = settings_of(flat_settings(others=["rank=8", "four-bit=true", "learning_rate=1e-3"]))
    assert (made.rank, made.four_bit, made.learning_rate) == (8, True, 0.001)


def test_settings_are_plain_in_one_order() -> None:
    made = settings_of({"targets": "q_proj,v_proj"}).plain()
    assert made["languages"] == ["en", "zh"]
    assert made["targets"] == ["q_proj", "v_proj"]
    assert list(json.loads(json.dumps(made))) == NAMES


def test_all_problems_are_reported_together_with_what_there_is() -> None:
    with pytest.raises(InputError) as raised:
        settings_of(
            {"rank": 0, "epoch": 3, "test_share": 1.0, "personal": "hide", "learning_rate": float("nan")}
        )
    for told in ("rank: ", "epoch: there is no such option", "test_share: ", "personal: ", "learning_rate: "):
        assert told in raised.value.cause
    assert "samples_per_step" in raised.value.remedy
