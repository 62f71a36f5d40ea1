"""docs/api.md names the fields that programs get, as the models have them."""

import re
from pathlib import Path

import pytest

from app import schema, training_schema

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
MODELS: dict[str, type[schema.Shape]] = {
    "answer": schema.Answer,
    "citation": schema.Citation,
    "search": schema.SearchResponse,
    "result": schema.Hit,
    "collection": schema.Collection,
    "document": schema.DocumentEntry,
    "ingest": schema.IngestReport,
    "key": schema.Key,
    "user": schema.User,
    "model": schema.PackagedModel,
    "check": schema.Finding,
    "version": training_schema.AdapterVersion,
    "file of pairs": training_schema.PairFile,
    "dropped pair": training_schema.DroppedPair,
    "retraining": training_schema.Retraining,
    "training": training_schema.TrainedAdapter,
    "evaluation": training_schema.Evaluation,
    "contender": training_schema.Contender,
    "gain": training_schema.Gain,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_fields_of_an_object_are_listed(name: str) -> None:
    (row,) = re.findall(rf"^\| {name} \| ([^|]*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row))
    assert set(listed) == set(MODELS[name].model_fields)
