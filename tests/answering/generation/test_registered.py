"""Registered versions on a real generator: the same as in plain PEFT, and only on the base they are for."""

from pathlib import Path

import pytest
import torch

from answering.answer import Reading
from answering.generation.in_process import InProcessGenerator
from answering.generation.model import Precision
from answering.sufficiency import Calibration
from finetune.files import model_digest
from finetune.registry.entry import export
from finetune.registry.manifest import Base, Description
from finetune.registry.registry import Registry
from finetune.registry.serving import AdapterHost, ServedAdapters
from knowledge_base.errors import MismatchError, NotFoundError
from retrieval.prompt import PROMPT_VERSION
from tests.answering.generation.test_adapters import by_peft
from tests.answering.generation.tiny import save_adapter, save_model
from tests.contracts.generator_contract import ENGLISH, asked, written

PLAIN = Precision(torch.float32)
UNSURE = Calibration({}, 0.0, 0.5)
READING = Reading(passages=1, passage_tokens=50, max_new_tokens=8, scored=UNSURE, unscored=UNSURE)


@pytest.fixture
def registry(gemma: Path, tmp_path: Path) -> Registry:
    """Two versions of an adapter of the tiny Gemma, the first live."""
    registry = Registry(tmp_path / "adapters")
    base = Base(id="tiny", digest=model_digest(gemma))
    for seed in (1, 2):
        folder = save_adapter(tmp_path / f"made-{seed}", gemma, seed=seed)
        registry.register("bank", folder, Description(base=base, prompt_version=PROMPT_VERSION))
    registry.promote("bank", 1)
    return registry


def test_versions_answer_as_in_plain_peft_and_side_by_side(
    gemma: Path, registry: Registry, tmp_path: Path
) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    assert isinstance(generator, AdapterHost)
    served = ServedAdapters(generator, READING)
    first = served.serve(registry.find("bank"))
    registry.promote("bank", 2)
    second = served.serve(registry.find("bank"))
    assert (first, second) == ("bank@1", "bank@2")
    for number, name in ((1, first), (2, second)):
        export(registry.get("bank", number), tmp_path / name)
        assert written(generator, asked(adapter=name)) == by_peft(gemma, tmp_path / name, ENGLISH)
    assert written(generator, asked(adapter=first)) != written(generator, asked(adapter=second))


def test_another_base_of_the_same_shape_is_refused(tmp_path: Path, registry: Registry) -> None:
    other = InProcessGenerator(save_model(tmp_path / "other", "gemma3_text", seed=2), precision=PLAIN)
    with pytest.raises(MismatchError, match="trained on tiny"):
        ServedAdapters(other, READING).serve(registry.find("bank"))
    with pytest.raises(NotFoundError):
        written(other, asked(adapter="bank@1"))
