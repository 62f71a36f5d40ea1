"""What was not read of a file, and why: values that become words of the reader's language when shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import TypeAdapter

Language = Literal["en", "zh"]
NoteKind = Literal[
    "pictures_without_ocr",
    "pictures_without_text",
    "pictures_too_large",
    "text_layer_replaced",
    "pages_damaged",
    "pages_cut",
    "text_cut",
    "time_cut",
    "formulas_uncomputed",
    "hidden_left_out",
    "signs_unreadable",
    "part_damaged",
    "part_large",
    "part_unread",
    "part_nested",
    "nesting_cut",
    "nesting_flattened",
    "renamed",
]

# In English and in Chinese; `pages` comes as "page 2" or "pages 2, 5–7", in Chinese as "2" or "2, 5–7".
_WORDS: Mapping[NoteKind, tuple[str, str]] = MappingProxyType({
    "pictures_without_ocr": (
        'Pictures not read because OCR is off: {pages}. Set ocr = "auto" and ingest with --rebuild.',
        '文字识别（OCR）已关闭，以下图片页未读取：第 {pages} 页。请设置 ocr = "auto"，'
        "并用 --rebuild 重新导入。",
    ),
    "pictures_without_text": (
        "OCR found no text in the picture of {pages}.",
        "文字识别（OCR）在以下图片页中没有找到文字：第 {pages} 页。",
    ),
    "pictures_too_large": (
        "Pictures too large for OCR, not read: {pages}. Scan them at 300 dpi or less.",
        "图片过大，无法识别：第 {pages} 页。请以不超过 300 dpi 的分辨率重新扫描。",
    ),
    "text_layer_replaced": (
        "Read by OCR because the file's own text differs from what the page shows: {pages}.",
        "文件自带的文字与所见内容不符，已改用文字识别（OCR）：第 {pages} 页。",
    ),
    "pages_damaged": ("Damaged and not read: {pages}.", "已损坏，未读取：第 {pages} 页。"),
    "pages_cut": (
        "Only the first {count} pages were read. Split the file to read all of it.",
        "只读取了前 {count} 页。如需全部读取，请拆分文件。",
    ),
    "text_cut": (
        "Only the first {count} characters were read. Split the file to read all of it.",
        "只读取了前 {count} 个字符。如需全部读取，请拆分文件。",
    ),
    "time_cut": (
        "Reading took more than {count} seconds of computing time and was stopped. Split the file to read "
        "all of it.",
        "读取耗费的计算时间超过 {count} 秒，已停止。如需全部读取，请拆分文件。",
    ),
    "formulas_uncomputed": (
        "Formulas without a stored result, shown as formulas: {count}. Open the file in its program, save "
        "it, and ingest it again.",
        "有 {count} 个公式没有保存计算结果，按公式原样显示。请用原程序打开并保存文件，然后重新导入。",
    ),
    "hidden_left_out": (
        "Hidden rows, columns and sheets left out: {count}.",
        "已略去隐藏的行、列和工作表，共 {count} 个。",
    ),
    "signs_unreadable": (
        "Glyphs that map to no character, shown as �: {count}.",
        "有 {count} 个符号无法对应到文字，显示为 �。",
    ),
    "part_damaged": (
        "{name} is damaged and was not read, or not completely.",
        "{name} 已损坏，未读取或未能完整读取。",
    ),
    "part_nested": (
        "{name} lies too deep within other files and was not read. Save it as a file of its own.",
        "{name} 在其他文件中嵌套过深，未读取。请将其另存为单独的文件。",
    ),
    "nesting_cut": (
        "What is nested too deeply was not read. Save the file as PDF to read all of it.",
        "嵌套过深的内容未读取。如需全部读取，请将文件另存为 PDF。",
    ),
    "nesting_flattened": (
        "What is nested too deeply was read without its headings, lists and tables.",
        "嵌套过深的内容已读取，但未保留其标题、列表和表格结构。",
    ),
    "part_large": (
        "{name} is too large and was not read. Split the file to read all of it.",
        "{name} 过大，未读取。如需全部读取，请拆分文件。",
    ),
    "renamed": (
        "Uploaded as {name}. Kept under another name: it is too long, has signs that file names cannot have, "
        "or another file has it.",
        "上传时的文件名为 {name}。因文件名过长、含有不可用的字符或与其他文件重名，已改名保存。",
    ),
    "part_unread": ("{name} has a format that domainqa does not read.", "{name} 的格式不受支持，未读取。"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was not read, or not as it stands.

    `count` and `pages` (from 1, ascending) are its figures and `name` the part of the file it is about; a
    kind uses those that its words name.
    """

    kind: NoteKind
    count: int = 0
    pages: tuple[int, ...] = ()
    name: str = ""

    def as_json(self) -> dict[str, object]:
        """The note in values that JSON knows, with its text in English."""
        return {
            "kind": self.kind,
            "count": self.count,
            "pages": list(self.pages),
            "name": self.name,
            "text": self.text(),
        }

    def text(self, language: Language = "en") -> str:
        """The note in one or two sentences."""
        words = _WORDS[self.kind][language == "zh"]
        pages = _runs(self.pages)
        if language == "en":
            pages = f"{'page' if len(self.pages) == 1 else 'pages'} {pages}"
        return words.format(count=f"{self.count:,}", pages=pages, name=self.name)


_NOTES = TypeAdapter(tuple[Note, ...])


def notes_as_json(notes: Sequence[Note]) -> str:
    """Notes as a text to be stored; `notes_of` reads it."""
    return _NOTES.dump_json(tuple(notes), exclude_defaults=True).decode()


def notes_of(text: str) -> tuple[Note, ...]:
    """The notes that `notes_as_json` wrote."""
    return _NOTES.validate_json(text)


def _runs(pages: Sequence[int]) -> str:
    """Page numbers with runs drawn together: 2, 5–7."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
