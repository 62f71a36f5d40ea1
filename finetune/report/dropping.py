"""Why a pair was dropped, in the language of whoever reads it.

Reasons are stored as English sentences, since files of dropped pairs are read by programs and people alike.
Here every kind of them is known by its pattern, in which {} stands for what differs from pair to pair.
"""

import re
from collections.abc import Mapping
from functools import cache

from finetune.pairs.personal import KINDS, name_of
from retrieval.prompt import Language

_BLANK = "{}"
# In Chinese {0} and {1} are the blanks of the English pattern in their order.
_ZH: Mapping[str, str] = {
    # finetune.pairs.check
    "its question is empty": "问题为空",
    "one of its answers is empty": "有一个答案为空",
    "its question is too long: {} characters, allowed are {}": "问题过长：{0} 个字符，最多 {1} 个",
    "its sentence is too long: {} characters, allowed are {}": "整句答案过长：{0} 个字符，最多 {1} 个",
    "its answer is too long: {} characters, allowed are {}": "答案过长：{0} 个字符，最多 {1} 个",
    "its question holds its answer": "问题中已含有答案",
    "its question is neither English nor Chinese": "问题既不是英文也不是中文",
    "its question is English, which is not wanted": "问题是英文，而设置中不需要英文",
    "its question is Chinese, which is not wanted": "问题是中文，而设置中不需要中文",
    "it holds personal data: {}": "含有个人信息：{0}",
    "its answer is personal data: {}": "答案是个人信息：{0}",
    # finetune.pairs.repeats
    "nearly the same question and answer as {}": "问题和答案与 {0} 几乎相同",
    "contradicts {}: the same question with another answer": "与 {0} 矛盾：问题相同而答案不同",
    # finetune.pairs.evidence
    "its evidence stands in no document: {}": "任何文档中都没有其依据：{0}",
    "its evidence names a document that is not in the collection: {}": "其依据所指的文档不在知识库中：{0}",
    "its evidence does not stand in {}: {}": "{0} 中没有其依据：{1}",
    "its answer does not stand in its evidence: {}": "其依据中没有答案：{0}",
    "no passage that is found for its question holds its answer: {}": "按问题检索到的段落中都没有答案：{0}",
    # finetune.pairs.keep
    "the reply holds no question with an answer": "模型的回复中没有问题和答案",
    "its question is too long": "问题过长",
    "its question does not end like one": "问题不像问句",
    "its question says too little": "问题内容太少",
    "its answer says nothing": "答案没有内容",
    "its answer is the refusal": "答案是拒答",
    "its answer is too long": "答案过长",
    "its answer does not stand in its passage": "段落中没有答案",
    "its answer is nearly its whole passage": "答案几乎是整个段落",
    "its answer stands in no single sentence of its passage": "段落中没有一个句子包含完整答案",
    "its passage is not among the first {} that are found for it": "按问题检索到的前 {0} 个段落中没有其出处",
    "nearly the same question as {}, with several answers to them": "与 {0} 的问题几乎相同，而答案不同",
    "nearly the same question as {}": "与 {0} 的问题几乎相同",
    # finetune.split
    "shares a document with {}, which is held out": "与留作评测的 {0} 出自同一文档",
    "asks nearly the same as {}, which is held out": "与留作评测的 {0} 问题几乎相同",
    "quotes nearly the same as {}, which is held out": "与留作评测的 {0} 引文几乎相同",
    # finetune.samples
    "no passage of the collection holds its evidence whole": "知识库中没有一个段落包含其完整依据",
    # answering.generation.encoding
    "The prompt has {} tokens and the model reads at most {}.": "提示有 {0} 个词元，而模型最多读 {1} 个",
    "Prompt and reply have {} tokens and the model reads at most {}.": (
        "提示与回复共 {0} 个词元，而模型最多读 {1} 个"
    ),
}


def told(reason: str, language: Language) -> str:
    """A reason as a sentence; one of no known kind, as of a line that cannot be read, stays English."""
    pattern, blanks = _recognised(reason) if language == "zh" else (None, ())
    if pattern is None:
        return reason
    return _ZH[pattern].format(*map(_in_chinese, blanks))


def kind_of(reason: str) -> str:
    """A reason without what differs from pair to pair; `told` knows it as well."""
    pattern, _ = _recognised(reason)
    return pattern.replace(_BLANK, "…") if pattern else reason.partition(":")[0]


def _recognised(reason: str) -> tuple[str | None, tuple[str, ...]]:
    """The pattern of a reason and what stands in its blanks; None if it has none."""
    for pattern in _ZH:
        if match := _matcher(pattern).fullmatch(reason):
            return pattern, match.groups()
    return None, ()


def _in_chinese(blank: str) -> str:
    """What stands in a blank: kinds of personal data by their Chinese names, anything else as it is."""
    kinds = [name_of(kind, "zh") for kind in KINDS if kind in blank.split(", ")]
    return "、".join(kinds) or blank


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(map(re.escape, pattern.split(_BLANK))), re.DOTALL)
