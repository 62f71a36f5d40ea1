"""Adapters by name: the same as plain PEFT, switched per request, refused when they do not fit."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from answering.generation.adapters import check_adapter
from answering.generation.in_process import InProcessGenerator
from answering.generation.model import Precision
from answering.generation.protocol import Limits
from knowledge_base.errors import MismatchError, ModelError
from tests.answering.generation.tiny import save_adapter, save_model
from tests.contracts.generator_contract import CHINESE, ENGLISH, asked, written

PLAIN = Precision(torch.float32)
HALF = Precision("auto", "half")
INT8 = Precision(torch.bfloat16, "int8")


def by_peft(model: Path, adapter: Path, text: str) -> str:
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model), str(adapter))
    ids = tokenizer(text, return_tensors="pt").input_ids
    output = network.generate(input_ids=ids, max_new_tokens=8, do_sample=False, pad_token_id=2)
    return str(tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)).rstrip("\ufffd")


@pytest.mark.parametrize(
    "settings", [{}, {"use_rslora": True}, {"use_dora": True}], ids=["lora", "rs", "dora"]
)
@pytest.mark.parametrize("precision", [PLAIN, HALF], ids=["plain", "half"])
def test_an_adapter_answers_as_in_plain_peft(
    gemma: Path, tmp_path: Path, precision: Precision, settings: dict[str, bool]
) -> None:
    folder = save_adapter(tmp_path / "adapter", gemma, **settings)
    generator = InProcessGenerator(gemma, precision=precision)
    base = written(generator, asked())
    generator.add_adapter("bank", folder, "1")
    for text in (ENGLISH, CHINESE):
        assert written(generator, asked(text, adapter="bank")) == by_peft(gemma, folder, text)
    assert written(generator, asked()) == base


def test_an_adapter_changes_the_int8_base_as_it_changes_the_exact_one(
    gemma: Path, bank_adapter: Path
) -> None:
    shifts = []
    for precision in (PLAIN, INT8):
        generator = InProcessGenerator(gemma, precision=precision)
        generator.add_adapter("bank", bank_adapter, "1")
        scores = [
            generator.logprobs([asked(), asked(adapter="bank")], continuation)
            for continuation in (" yuan", " card", "年费", " platinum", "?", "Q", "a", "6", "s")
        ]
        shifts.append(torch.tensor([adapted - base for base, adapted in scores]))
    exact, int8 = shifts
    assert float(exact.abs().max()) > 0.1
    assert float((int8 - exact).abs().max()) < 0.2 * float(exact.abs().max())


def test_adapters_and_base_are_switched_with_every_request(gemma: Path, tmp_path: Path) -> None:
    generator = InProcessGenerator(gemma, limits=room_for(2, gemma, tmp_path), precision=PLAIN)
    for number in range(3):
        generator.add_adapter(f"a{number}", save_adapter(tmp_path / f"{number}", gemma, seed=number), "1")
    names = [None, "a0", "a1", "a2"]
    alone = {name: written(generator, asked(adapter=name)) for name in names}
    assert len(set(alone.values())) == len(names)
    for name in (*reversed(names), "a1", "a2", None, "a0"):
        assert written(generator, asked(adapter=name)) == alone[name]


def room_for(adapters: int, gemma: Path, folder: Path) -> Limits:
    """Limits under which so many adapters of the usual kind, and not one more, stay in memory."""
    weights = load_file(save_adapter(folder / "measured", gemma) / "adapter_model.safetensors")
    one = sum(weight.nbytes for weight in weights.values())
    return Limits(adapter_bytes=adapters * one + one // 2)


def slots(generator: InProcessGenerator) -> set[str]:
    """Where adapters stand in the network."""
    names = [name for name, _ in generator.engine().model.network.named_parameters() if "lora_A" in name]
    return {name.split("lora_A.")[1].split(".")[0] for name in names}


def test_adapters_stay_in_memory_up_to_a_size(gemma: Path, tmp_path: Path) -> None:
    limits = room_for(2, gemma, tmp_path)
    generator = InProcessGenerator(gemma, limits=limits, precision=PLAIN)
    counts = []
    for number in range(4):
        generator.add_adapter(f"a{number}", save_adapter(tmp_path / f"{number}", gemma, seed=number), "1")
        written(generator, asked(adapter=f"a{number}"))
        counts.append(len(slots(generator)))
        assert 0 < generator.held_bytes()["adapters"] <= limits.adapter_bytes
    assert counts == [1, 2, 2, 2]


def test_a_larger_adapter_takes_the_place_of_several(gemma: Path, tmp_path: Path) -> None:
    limits = room_for(3, gemma, tmp_path)
    generator = InProcessGenerator(gemma, limits=limits, precision=PLAIN)
    for name, rank in (("small", 4), ("another", 4), ("large", 12), ("small", 4), ("huge", 100)):
        generator.add_adapter(name, save_adapter(tmp_path / name, gemma, r=rank), "1")
        written(generator, asked(adapter=name))
        if name == "large":
            assert len(slots(generator)) == 1
    assert len(slots(generator)) == 1
    assert generator.held_bytes()["adapters"] > limits.adapter_bytes


def test_the_least_recently_used_adapter_leaves_with_what_was_read_under_it(
    gemma: Path, tmp_path: Path
) -> None:
    generator = InProcessGenerator(gemma, limits=room_for(2, gemma, tmp_path), precision=PLAIN)
    for number in range(3):
        generator.add_adapter(f"a{number}", save_adapter(tmp_path / f"{number}", gemma, seed=number), "1")
    for name in (None, "a0", "a1", "a0", "a2"):
        written(generator, asked(adapter=name))
    assert {key for key, _ in generator.engine().prefixes._entries} == {"", "a0@1", "a2@1"}


def test_an_outdated_version_leaves_with_the_next_load(gemma: Path, tmp_path: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    folders = [save_adapter(tmp_path / f"{number}", gemma, seed=number) for number in range(3)]
    generator.add_adapter("old", folders[0], "1")
    written(generator, asked(adapter="old"))
    generator.add_adapter("old", folders[1], "2")
    written(generator, asked(adapter="old"))
    assert len(slots(generator)) == 1
    assert {key for key, _ in generator.engine().prefixes._entries} == {"old@2"}


def test_many_threads_switch_between_adapters_that_do_not_fit_together(gemma: Path, tmp_path: Path) -> None:
    generator = InProcessGenerator(gemma, limits=room_for(1, gemma, tmp_path), precision=PLAIN)
    names = ["bank@1", "bank@2", "bank@3"]
    for number, name in enumerate(names):
        generator.add_adapter(name, save_adapter(tmp_path / name, gemma, seed=number), str(number))
    alone = {name: written(generator, asked(adapter=name)) for name in names}
    assert len(set(alone.values())) == len(names)
    with ThreadPoolExecutor(6) as threads:
        order = names * 4
        found = list(threads.map(lambda name: written(generator, asked(adapter=name)), order))
    assert found == [alone[name] for name in order]


def test_a_new_version_serves_later_requests_while_a_running_one_ends_on_the_old(
    gemma: Path, tmp_path: Path
) -> None:
    folders = [save_adapter(tmp_path / f"{number}", gemma, seed=number) for number in range(2)]
    generator = InProcessGenerator(gemma, precision=PLAIN)
    generator.add_adapter("bank", folders[0], "1")
    old = written(generator, asked(adapter="bank"))
    running = generator.stream(asked(adapter="bank"))
    begun = next(running)
    generator.add_adapter("bank", folders[1], "2")
    assert begun + "".join(running) == old
    new = written(generator, asked(adapter="bank"))
    assert new != old
    generator.add_adapter("bank", folders[0], "1")
    assert written(generator, asked(adapter="bank")) == old


def changed(folder: Path, target: Path, change: dict[str, torch.Tensor | None]) -> Path:
    """A copy of an adapter with some weights replaced, or dropped where None."""
    target.mkdir()
    (target / "adapter_config.json").write_bytes((folder / "adapter_config.json").read_bytes())
    weights = load_file(folder / "adapter_model.safetensors") | change
    save_file(
        {name: weight for name, weight in weights.items() if weight is not None},
        target / "adapter_model.safetensors",
    )
    return target


@pytest.mark.parametrize(
    "change", [{"target_modules": 5}, {"target_modules": "[(("}, {"target_modules": ["c_attn"]}]
)
def test_a_config_that_peft_cannot_use_is_a_mismatch(
    gemma: Path, bank_adapter: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = changed(bank_adapter, tmp_path / "other", {})
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(MismatchError, match="does not fit"):
        check_adapter(folder, gemma)


def test_an_adapter_is_compared_with_a_base_that_is_not_loaded(
    gemma: Path, bank_adapter: Path, tmp_path: Path
) -> None:
    check_adapter(bank_adapter, gemma)
    weights = load_file(bank_adapter / "adapter_model.safetensors")
    half = changed(bank_adapter, tmp_path / "half", {name: None for name in weights if "layers.1." in name})
    with pytest.raises(MismatchError, match="are missing"):
        check_adapter(half, gemma)
    zeros = {name: torch.zeros_like(weight) for name, weight in weights.items() if "lora_B" in name}
    with pytest.raises(ModelError, match="changes nothing"):
        check_adapter(changed(bank_adapter, tmp_path / "idle", zeros), gemma)
    with pytest.raises(MismatchError, match="does not fit"):
        check_adapter(bank_adapter, save_model(tmp_path / "base", "llama"))


def test_an_adapter_that_does_not_fit_is_refused_and_harms_nothing(
    gemma: Path, bank_adapter: Path, tmp_path: Path
) -> None:
    weights = load_file(bank_adapter / "adapter_model.safetensors")
    one = next(iter(weights))
    other_base = save_adapter(tmp_path / "llama", save_model(tmp_path / "base", "llama"))
    misfits = {
        "missing": changed(bank_adapter, tmp_path / "a", {one: None}),
        "strange": changed(
            bank_adapter, tmp_path / "b", {one.replace("layers.0", "layers.77"): weights[one]}
        ),
        "shape": changed(bank_adapter, tmp_path / "c", {one: torch.zeros(3, 3)}),
        "base": other_base,
    }
    generator = InProcessGenerator(gemma, precision=HALF)
    generator.add_adapter("bank", bank_adapter, "1")
    base, adapted = written(generator, asked()), written(generator, asked(adapter="bank"))
    for name, folder in misfits.items():
        generator.add_adapter(name, folder, "1")
        with pytest.raises(MismatchError, match="does not fit") as caught:
            written(generator, asked(adapter=name))
        assert str(folder) in caught.value.cause
        assert written(generator, asked()) == base
        assert written(generator, asked(adapter="bank")) == adapted


def test_an_adapter_that_changes_nothing_is_refused(gemma: Path, bank_adapter: Path, tmp_path: Path) -> None:
    weights = load_file(bank_adapter / "adapter_model.safetensors")
    zeros = {name: torch.zeros_like(weight) for name, weight in weights.items() if "lora_B" in name}
    generator = InProcessGenerator(gemma, precision=PLAIN)
    generator.add_adapter("idle", changed(bank_adapter, tmp_path / "idle", zeros), "1")
    with pytest.raises(ModelError, match="changes nothing"):
        written(generator, asked(adapter="idle"))


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_that_is_no_adapter_is_refused_when_added(
    gemma: Path, bank_adapter: Path, tmp_path: Path, file: str
) -> None:
    folder = changed(bank_adapter, tmp_path / "part", {})
    (folder / file).unlink()
    with pytest.raises(ModelError, match=file):
        InProcessGenerator(gemma, precision=PLAIN).add_adapter("part", folder, "1")


@pytest.mark.parametrize("change", [{"peft_type": "IA3"}, {"peft_type": "NONE"}])
def test_what_is_not_lora_is_refused(
    gemma: Path, bank_adapter: Path, tmp_path: Path, change: dict[str, str]
) -> None:
    folder = changed(bank_adapter, tmp_path / "other", {})
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    generator = InProcessGenerator(gemma, precision=PLAIN)
    generator.add_adapter("other", folder, "1")
    with pytest.raises(ModelError):
        written(generator, asked(adapter="other"))


def test_damaged_adapter_weights_are_a_model_error(gemma: Path, bank_adapter: Path, tmp_path: Path) -> None:
    folder = changed(bank_adapter, tmp_path / "cut", {})
    (folder / "adapter_model.safetensors").write_bytes(b"\x10")
    generator = InProcessGenerator(gemma, precision=PLAIN)
    generator.add_adapter("cut", folder, "1")
    with pytest.raises(ModelError, match="damaged"):
        written(generator, asked(adapter="cut"))
