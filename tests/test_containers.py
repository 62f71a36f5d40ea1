"""Dockerfile and compose files name only what there is; no container engine is needed to see that."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE = ("compose.yaml", "compose.cluster.yaml")
# What compose itself reads in place of domainqa.
OURS = {"DOMAINQA_PUBLISHED_PORT"}


class Loader(yaml.SafeLoader):
    """YAML with compose's `!override`."""


Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def composed(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader)  # noqa: S506
    return told


@pytest.mark.parametrize("name", ["Dockerfile", *COMPOSE, "deploy/domainqa.service"])
def test_every_setting_exists(name: str) -> None:
    named = set(re.findall(r"\bDOMAINQA_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8"))) - OURS
    assert named
    assert {setting.removeprefix("DOMAINQA_").lower() for setting in named} <= set(Settings.model_fields)


def test_what_is_copied_into_the_image_is_there_and_not_left_out() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"answering", "app", "finetune", "knowledge_base", "retrieval", "pyproject.toml"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in kept


def test_services_and_volumes_that_are_named_are_there() -> None:
    files = [composed(name) for name in COMPOSE]
    services = {name for file in files for name in file["services"]}
    volumes = {name for file in files for name in file.get("volumes", {})}
    for file in files:
        for service in file["services"].values():
            assert set(service.get("depends_on", {})) <= services
            for volume in service.get("volumes", ()):
                source = volume.split(":")[0]
                assert source in volumes or source.startswith("$") or (ROOT / source).is_file()
    for url in re.findall(r"http://([a-z]+):\d+", (ROOT / COMPOSE[1]).read_text(encoding="utf-8")):
        assert url in services


def test_images_are_named_with_their_version() -> None:
    images = [service["image"] for name in COMPOSE for service in composed(name)["services"].values()
              if "image" in service]  # fmt: skip
    assert [image for image in images if ":" not in image] == ["domainqa"]
