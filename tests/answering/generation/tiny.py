"""Models of a few thousand weights with a tokenizer trained on the spot: nothing is downloaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

SENTENCES = (
    "The platinum card costs 680 yuan a year. What does the platinum card cost? Question: Answer:",
    "白金卡年费为680元。问题：白金卡的年费是多少？回答：",
)
TEMPLATE = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"
_COMMON = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "gemma3_text": {"num_hidden_layers": 6, "sliding_window": 24, "num_key_value_heads": 1},
    "gemma2": {"num_hidden_layers": 2, "sliding_window": 24, "query_pre_attn_scalar": 16},
    "llama": {"num_hidden_layers": 2, "tie_word_embeddings": False},
    "mistral": {"num_hidden_layers": 2, "sliding_window": 24},
    "qwen2": {"num_hidden_layers": 2},
    "qwen3": {"num_hidden_layers": 2, "attention_bias": True},
    # Not among those with our attention: the plain path of any other model.
    "gpt_neox": {"num_hidden_layers": 2},
    "gpt2": {"n_layer": 2, "n_embd": 48, "n_head": 4, "n_positions": 1024, "n_inner": 64},
}


def save_tokenizer(folder: Path, template: str | None = None) -> int:
    """A byte-level BPE tokenizer, so that a Chinese character may be several tokens; returns its size."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=["<bos>", "<eos>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>"
    )
    wrapped.chat_template = template
    wrapped.save_pretrained(folder)
    return len(wrapped)


def save_model(folder: Path, architecture: str, template: str | None = None, seed: int = 1) -> Path:
    """A random model of that architecture in Hugging Face format."""
    vocabulary = save_tokenizer(folder, template)
    config = AutoConfig.for_model(
        architecture, vocab_size=vocabulary, **_COMMON | ARCHITECTURES[architecture]
    )
    torch.manual_seed(seed)
    network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():  # else a model with tied embeddings repeats its last token for ever
        network.get_input_embeddings().weight.mul_(0.1)
    network.generation_config.eos_token_id = [1]
    network.save_pretrained(folder)
    return folder


def save_adapter(folder: Path, model_folder: Path, seed: int = 7, **settings: Any) -> Path:
    """A LoRA adapter that changes every linear layer noticeably."""
    torch.manual_seed(seed)
    network = AutoModelForCausalLM.from_pretrained(model_folder)
    chosen = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | settings
    adapted = get_peft_model(network, LoraConfig(**chosen))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    adapted.save_pretrained(str(folder))
    return folder
