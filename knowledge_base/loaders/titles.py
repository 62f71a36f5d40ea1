"""Titles that programs write into a document by themselves, which say nothing of it."""

import re

from knowledge_base.loaders.lines import on_one_line

_DEFAULT = re.compile(
    r"(?:microsoft )?(?:office )?(?:powerpoint|word|excel|wps) ?"
    r"(?:presentation|演示文稿|document|文档|worksheet|工作表|演示)"
    r"|powerpoint[- ]präsentation|présentation powerpoint|presentación de powerpoint"
    r"|(?:presentation|document|book|workbook|sheet|slide|演示文稿|文档|工作簿|幻灯片) ?\d*"
    r"|新建.{0,20}(?:文档|演示文稿|工作表) ?\d*"
    r"|(?:microsoft (?:word|excel|powerpoint) - )?"
    r"(?:\S+\.(?:docx?|xlsx?|pptx?|wps|dps|et|rtf|odt|indd|tmp|pdf))"
    r"|untitled(?: ?\d+| document| presentation| spreadsheet)?|无标题(?:文档|演示文稿)?|未命名"
    r"|no title|title|标题|slide title"
    r"|click to (?:edit|add) (?:master )?title(?: style)?|单击此处(?:添加|编辑)(?:母版)?标题(?:样式)?",
    re.IGNORECASE,
)


def own_title(text: str | None) -> str:
    """The title on one line, or "" if it is a program's own, such as "PowerPoint 演示文稿"."""
    title = on_one_line(text or "")
    return "" if _DEFAULT.fullmatch(title) else title
