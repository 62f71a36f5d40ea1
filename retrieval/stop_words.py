"""Words that say nothing about a subject, for comparing texts by what they are about."""

_ENGLISH = """
a an the of in on at to for and or is are was were be been it its by with as that this these those from my i
you your we our me what which who whom whose when where why how do does did can could should would has have
had not no many much there please
"""
_CHINESE = """
的 了 是 在 和 与 或 有 什么 谁 哪 哪个 哪些 哪里 多少 何时
怎么 怎样 如何 几 为 被 于 中 吗 呢 我 你 您 可以 请问
"""

STOP_WORDS = frozenset(_ENGLISH.split() + _CHINESE.split())
