"""A freshly loaded model is made ready for this processor: layers packed, small kernels fused."""

import torch
from torch import nn
from transformers import PreTrainedModel

from answering.generation.attention import use_grouped_attention
from answering.generation.head import RefinedHead
from answering.generation.norms import fuse_norms
from answering.generation.packed_linear import HalfLinear, Int8Linear
from answering.generation.processor import Precision


def optimise(network: PreTrainedModel, precision: Precision) -> None:
    """Change `network` in place so that it computes the same faster; nothing without packing."""
    if precision.packing is None:
        return
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    layer = HalfLinear if precision.packing == "half" else Int8Linear
    for name, module in list(network.named_modules()):
        if module is head:
            network.set_submodule(name, RefinedHead(module))
        elif type(module) is nn.Linear:
            network.set_submodule(name, layer(module))
    if precision.packing == "half":
        _compute_in_fp32(network)
    fuse_norms(network)
    use_grouped_attention(network)


def _compute_in_fp32(network: PreTrainedModel) -> None:
    """Everything in fp32 but the embedding: it is only looked up, and keeps its format to save memory."""
    embedding = network.get_input_embeddings()
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    for module in network.modules():
        if module is embedding or module is head:
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.float()
    embedding.register_forward_hook(_to_fp32)


def _to_fp32(_module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
    return output.float()
