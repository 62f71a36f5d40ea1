"""Attention of packed or long sequences: a block of queries at a time, over the keys that one of them sees.

A packed sequence holds many samples that do not see each other, most layers of some models have a window, and
no token sees a later one. What a mask hides altogether is not computed, and its scores are not kept for the
gradient: of 2,800 tokens with a window of 512 that is three quarters.
"""

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.masking_utils import eager_mask

from answering.generation.layers import GROUPED, grouped_attention

_BLOCK = 256
_NAME = "domainqa_blocks"


def attention_for(config: PreTrainedConfig) -> str:
    """The implementation with which a network of this kind is trained on a processor, registered."""
    if config.model_type not in GROUPED:
        return "eager"
    AttentionInterface.register(_NAME, blocked_attention)
    AttentionMaskInterface.register(_NAME, eager_mask)
    return _NAME


def blocked_attention(  # noqa: PLR0913, PLR0917 - the interface of transformers
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    softcap: float | None = None,
    **_unused: object,
) -> tuple[torch.Tensor, None]:
    """As `grouped_attention`; `attention_mask` [texts, 1, tokens, tokens] is 0 where a token sees."""
    visible = (attention_mask == 0).flatten(0, 1).any(dim=0)
    mixed = []
    for start in range(0, query.shape[2], _BLOCK):
        block = slice(start, start + _BLOCK)
        seen = visible[block].any(dim=0).nonzero()
        keys = slice(int(seen[0]), int(seen[-1]) + 1)
        part, _ = grouped_attention(
            module,
            query[:, :, block],
            key[:, :, keys],
            value[:, :, keys],
            attention_mask[:, :, block, keys],
            scaling,
            softcap=softcap,
        )
        mixed.append(part)
    return torch.cat(mixed, dim=1), None
