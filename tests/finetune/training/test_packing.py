"""Rows read what samples share only once, and mean the same."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finetune.settings import TrainSettings
from finetune.training.network import adapted, load_base, plain_loss, sequence_loss
from finetune.training.packing import Encoded, group_trees, pack_sequence, prefix_trees
from finetune.training.plan import encode
from finetune.training.values import Sample
from tests.finetune.training.conftest import Maker, encoder_of

PASSAGES = st.sampled_from([tuple(range(100, 130)), tuple(range(100, 120)), tuple(range(200, 240))])
REPLIES = st.lists(st.integers(3, 9), min_size=1, max_size=5).map(tuple)
SAMPLES = st.lists(
    st.builds(
        lambda passage, question, reply, key: Encoded((*passage, *question), reply, str(key)),
        PASSAGES,
        st.lists(st.integers(10, 19), max_size=6).map(tuple),
        REPLIES,
        st.integers(),
    ),
    min_size=1,
    max_size=20,
    unique=True,
)


@given(SAMPLES, st.integers(64, 200))
def test_trees_hold_every_sample_once_and_cost_no_more_than_the_samples(
    samples: list[Encoded], most: int
) -> None:
    trees = prefix_trees(samples, most)
    assert Counter(s for tree in trees for s in tree.samples) == Counter(samples)
    assert sum(tree.length for tree in trees) <= sum(sample.length for sample in samples)
    for tree in trees:
        assert len({sample.prompt[: tree.shared] for sample in tree.samples}) == 1
        assert tree.length <= most or len(tree.samples) == 1


@given(SAMPLES, st.integers(64, 200), st.integers(0, 5))
def test_packing_keeps_every_tree_and_is_decided_by_the_seed(
    samples: list[Encoded], sequence_tokens: int, seed: int
) -> None:
    trees = prefix_trees(samples, sequence_tokens)
    rows = group_trees(trees, sequence_tokens, seed)
    assert Counter(tree for row in rows for tree in row) == Counter(trees)
    assert rows == group_trees(trees, sequence_tokens, seed)
    for row in rows:
        assert sum(tree.length for tree in row) <= sequence_tokens or len(row) == 1


@given(SAMPLES)
def test_a_token_sees_its_own_sample_and_nothing_else(samples: list[Encoded]) -> None:
    """Followed through the mask, what a reply's token sees is exactly its prompt and reply before it."""
    trees = prefix_trees(samples, 10_000)
    row = pack_sequence(trees)
    assert len(row.ids) == len(row.positions) == len(row.mask)
    seen = [
        (row.ids[row.mask[place]].tolist(), row.positions[row.mask[place]].tolist(), int(target))
        for place, target in zip(row.places.tolist(), row.targets, strict=True)
    ]
    wanted = []
    for sample in (sample for tree in trees for sample in tree.samples):
        for number, token in enumerate(sample.reply):
            before = [*sample.prompt, *sample.reply[:number]]
            wanted.append((before, list(range(len(before))), token))
    assert seen == wanted


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize(
    "architecture", ["gemma3_text", "gemma2", "llama", "mistral", "qwen2", "qwen3", "gpt_neox", "gpt2"]
)
def test_loss_and_gradients_are_those_of_the_plain_computation(
    tiny: Maker, samples: tuple[Sample, ...], architecture: str
) -> None:
    folder = tiny(architecture)
    network = load_base(folder, "cpu")
    model = adapted(network, TrainSettings(rank=4))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    encoded, refused = encode(samples, encoder_of(folder))
    assert not refused
    trees = prefix_trees(encoded, 2048)
    assert sum(tree.length for tree in trees) < 0.8 * sum(sample.length for sample in encoded)

    plain = torch.stack([plain_loss(model, network, s) for t in trees for s in t.samples]).sum()
    plain.backward()
    wanted = gradients(model)
    together = sequence_loss(network, pack_sequence(trees))
    together.backward()
    found = gradients(model)

    assert float(together) == pytest.approx(float(plain), rel=1e-4)
    assert found.keys() == wanted.keys() and len(found) > 4
    for name, gradient in wanted.items():
        assert torch.allclose(
            found[name], gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()) + 1e-6
        )


@pytest.mark.parametrize("architecture", ["gemma3_text", "gemma2"])
def test_blocks_of_attention_and_layers_computed_twice_change_nothing(
    tiny: Maker, samples: tuple[Sample, ...], architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny(architecture)
    network = load_base(folder, "cpu")
    model = adapted(network, TrainSettings(rank=4)).train()
    sequence = pack_sequence(prefix_trees(encode(samples, encoder_of(folder))[0], 2048))
    runs: list[None] = []
    network.base_model.layers[0].mlp.register_forward_hook(lambda *_: runs.append(None))
    found = []
    for block, long, expected in ((4096, 4096, 1), (8, 0, 3)):
        monkeypatch.setattr("finetune.training.attention._BLOCK", block)
        monkeypatch.setattr("finetune.training.network._LONG", long)
        loss = sequence_loss(network, sequence)
        loss.backward()
        assert len(runs) == expected
        found.append((loss.item(), gradients(model)))
    (whole, wanted), (parts, gradient) = found
    assert parts == pytest.approx(whole, rel=1e-5)
    for name, value in wanted.items():
        assert torch.allclose(gradient[name], value, rtol=1e-3, atol=1e-4 * float(value.abs().max()) + 1e-6)


def test_windows_count_positions_not_places(tiny: Maker, samples: tuple[Sample, ...]) -> None:
    """Else the last branch of a tree would no longer see the beginning of its text."""
    folder = tiny("mistral")
    network = load_base(folder, "cpu")
    encoded, _ = encode(samples, encoder_of(folder))
    (tree, *_) = prefix_trees(encoded, 2048)
    assert tree.length > 2 * network.config.sliding_window
    alone = sum(float(plain_loss(network, network, sample)) for sample in tree.samples)
    assert float(sequence_loss(network, pack_sequence([tree]))) == pytest.approx(alone, rel=1e-4)


def test_a_base_without_weights_is_named(tmp_path: Path) -> None:
    from knowledge_base.errors import ModelError

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no weights"):
        load_base(tmp_path, "cpu")
