"""PDF pages: one function for each kind, in both languages."""

import io
from collections.abc import Callable, Iterator, Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, Table
from reportlab.rl_config import invariant  # noqa: F401 - the files are the same at each run

from benchmarks.document_pages.pages import (
    PAIRS,
    TABLES,
    Cell,
    Language,
    Page,
    cells_of,
    joined,
    pairs_of,
    sentences,
)  # fmt: skip

_FONTS: dict[Language, str] = {"en": "Times-Roman", "zh": "STSong-Light"}
_GRID = ("GRID", (0, 0), (-1, -1), 0.5, "black")
_Draw = Callable[[Canvas], None]


def pdf_pages() -> Iterator[Page]:
    """All kinds of PDF pages in both languages."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONTS["zh"]))
    for language in ("en", "zh"):
        for kind, make in _KINDS.items():
            data, text, cells = make(language)
            yield Page(f"{kind} {language}", kind, language, "pdf", data, text, tuple(cells))


_Made = tuple[bytes, str, Sequence[Cell]]


def _canvas(*pages: _Draw, **options: object) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, **options)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _put(canvas: Canvas, language: Language, x: float, y: float, text: str, size: float = 10) -> None:
    canvas.setFont(_FONTS[language], size)
    canvas.drawString(x, y, text)


def _style(language: Language, **changes: object) -> ParagraphStyle:
    wrap = "CJK" if language == "zh" else None
    given = {"fontName": _FONTS[language], "fontSize": 10, "leading": 13, "spaceAfter": 8, "wordWrap": wrap}
    return ParagraphStyle("text", **{**given, **changes})


def _flowed(story: Sequence[object], columns: int = 1, top: float = 780) -> bytes:
    buffer = io.BytesIO()
    width = (A4[0] - 110 - 18 * (columns - 1)) / columns
    frames = [Frame(55 + n * (width + 18), 60, width, top - 60, 0, 0, 0, 0) for n in range(columns)]
    document = BaseDocTemplate(buffer, pagesize=A4, pageTemplates=[PageTemplate(frames=frames)], invariant=1)
    document.build(list(story))
    return buffer.getvalue()


def _paragraphs(language: Language) -> _Made:
    parts = [joined(sentences(language, 5, first), language) for first in range(0, 20, 3)]
    heads = [f"{n}. " + ("Rules" if language == "en" else "规定") for n in range(1, len(parts) + 1)]
    story: list[object] = []
    for head, part in zip(heads, parts, strict=True):
        story += [
            Paragraph(head, _style(language, fontSize=15, leading=20)),
            Paragraph(part, _style(language)),
        ]
    return _flowed(story), "\n".join(text for pair in zip(heads, parts, strict=True) for text in pair), ()


def _in_columns(count: int) -> Callable[[Language], _Made]:
    def make(language: Language) -> _Made:
        parts = [joined(sentences(language, 8, first), language) for first in range(0, 60, 6)]
        parts = parts[: 6 + 2 * count] if language == "en" else parts * (2 + count)
        style = _style(language, fontSize=9, leading=11, alignment=4, hyphenationLang="en_US")
        return _flowed([Paragraph(part, style) for part in parts], count), "\n".join(parts), ()

    return make


def _hyphenated(language: Language) -> _Made:
    """Two columns side by side, each line of one beside a line of the other, words divided at line ends."""
    if language == "zh":
        lines = [
            [
                "本行应当在收到申请后三十日内答",
                "复客户的书面申请，逾期没有答复",
                "的视为同意，客户可以据此办理。",
            ],
            [
                "客户对答复有异议的，可以在十五",
                "日内向总行申请复核一次，总行应",
                "当在十日内作出最终的复核决定。",
            ],
        ]
        texts = ["".join(column) for column in lines]
    else:
        lines = [
            [
                "The guarantor pays on first de-",
                "mand and without any objec-",
                "tion, as soon as the credi-",
                "tor asks for it in writing.",
            ],
            [
                "Notices are sent to the regis-",
                "tered address of a party and",
                "are received on the third work-",
                "ing day after their posting.",
            ],
        ]
        texts = [" ".join(column).replace("- ", "") for column in lines]

    def draw(canvas: Canvas) -> None:
        for place, column in enumerate(lines):
            for number, line in enumerate(column * 1):
                _put(canvas, language, 60 + 240 * place, 760 - 13 * number, line)
        for number, line in enumerate(sentences(language, 3)):
            _put(canvas, language, 60, 640 - 40 * number, line)

    return _canvas(draw), "\n".join([*texts, *sentences(language, 3)]), ()


def _ruled(language: Language) -> _Made:
    rows = TABLES[language]
    story = [Paragraph(joined(sentences(language, 2), language), _style(language))]
    return (
        _flowed([*story, Table(rows, style=[_GRID, ("FONT", (0, 0), (-1, -1), _FONTS[language], 10)])]),
        "",
        cells_of(rows),
    )


def _merged(language: Language) -> _Made:
    names = (
        [["Card", "Fee", ""], ["", "Home", "Abroad"]]
        if language == "en"
        else [["卡种", "手续费", ""], ["", "境内", "境外"]]
    )
    body = [[row[0], row[1], row[2]] for row in TABLES[language][1:]]
    style = [
        _GRID,
        ("SPAN", (1, 0), (2, 0)),
        ("SPAN", (0, 0), (0, 1)),
        ("FONT", (0, 0), (-1, -1), _FONTS[language], 10),
    ]
    cells = [
        Cell(row[0], name, value) for row in body for name, value in zip(names[1][1:], row[1:], strict=True)
    ]
    return _flowed([Table([*names, *body], style=style)]), "", cells


def _borderless(pages: int, booktabs: bool = False) -> Callable[[Language], _Made]:
    def make(language: Language) -> _Made:
        header, *body = TABLES[language]
        rows = [[f"{row[0]} {n}" if n else row[0], *row[1:]] for n in range(4) for row in body]
        parts = [rows[n * len(rows) // pages : (n + 1) * len(rows) // pages] for n in range(pages)]

        def page(number: int) -> _Draw:
            def draw(canvas: Canvas) -> None:
                shown = [header, *parts[number]] if number == 0 else parts[number]
                for line, row in enumerate(shown):
                    y = 760 - 17 * line
                    for x, text in zip((60, 190, 290, 400), row, strict=True):
                        _put(canvas, language, x, y, text)
                    if booktabs and line in (0, len(shown) - 1):
                        canvas.line(60, y - 4, 460, y - 4)

            return draw

        return _canvas(*map(page, range(pages))), "", cells_of([header, *rows])

    return make


def _dense(language: Language) -> _Made:
    """A table without lines whose columns stand close together."""
    rows = TABLES[language]
    pitch = [max(stringWidth(row[n], _FONTS[language], 10) for row in rows) + 8 for n in range(4)]

    def draw(canvas: Canvas) -> None:
        for line, row in enumerate(rows):
            for n, text in enumerate(row):
                _put(canvas, language, 200 + sum(pitch[:n]), 700 - 15 * line, text)

    return _canvas(draw), "", cells_of(rows)


def _key_values(ruled: bool) -> Callable[[Language], _Made]:
    def make(language: Language) -> _Made:
        pairs = PAIRS[language]
        style = [("FONT", (0, 0), (-1, -1), _FONTS[language], 10), *([_GRID] if ruled else [])]
        return _flowed([Table(pairs, style=style, colWidths=[150, 250])]), "", pairs_of(pairs)

    return make


def _wide_form(language: Language) -> _Made:
    """A form whose rows hold two names with their values each."""
    pairs = [*PAIRS[language], ("Date", "3 May 2026") if language == "en" else ("日期", "2026年5月3日")]
    rows = [[*pairs[n], *pairs[n + 1]] for n in range(0, 6, 2)]
    style = [("FONT", (0, 0), (-1, -1), _FONTS[language], 9), _GRID]
    return _flowed([Table(rows, style=style)]), "", pairs_of(pairs)


def _fields(language: Language) -> _Made:
    pairs = (
        PAIRS["en"]
        if language == "en"
        else tuple(zip((name for name, _ in PAIRS["zh"]), (value for _, value in PAIRS["en"]), strict=True))
    )

    def draw(canvas: Canvas) -> None:
        for line, (name, value) in enumerate(pairs):
            _put(canvas, language, 60, 740 - 30 * line, name)
            canvas.acroForm.textfield(
                name=f"f{line}", value=value, x=220, y=733 - 30 * line, width=240, height=20, fontSize=10
            )

    return _canvas(draw), "", pairs_of(pairs)


def _second_header(language: Language) -> _Made:
    names = [("This period", "Last period"), ("End of period", "End of last year")]
    firsts = ["Revenue", "Profit", "Total assets"]
    if language == "zh":
        names, firsts = (
            [("本报告期", "上年同期"), ("本报告期末", "上年度末")],
            ["营业收入", "净利润", "总资产"],
        )
    rows = [
        ["", *names[0]],
        [firsts[0], "4,755,785", "5,699,227"],
        [firsts[1], "-648,986", "-563,758"],
        ["", *names[1]],
        [firsts[2], "298,608,889", "306,236,911"],
    ]
    cells = [cell for part in (rows[:3], rows[3:]) for cell in cells_of(part) if cell.column]
    style = [("FONT", (0, 0), (-1, -1), _FONTS[language], 10), _GRID]
    return _flowed([Table(rows, style=style)]), "", cells


def _running_heads(language: Language) -> _Made:
    head = "Rules of the bank" if language == "en" else "银行业务规定"
    texts = [sentences(language, 4, 4 * number) for number in range(3)]

    def page(number: int) -> _Draw:
        def draw(canvas: Canvas) -> None:
            _put(canvas, language, 60, 810, head, 8)
            for line, text in enumerate(texts[number]):
                _put(canvas, language, 60, 720 - 30 * line, text)
            _put(canvas, language, 290, 30, f"- {number + 1} -", 8)

        return draw

    return _canvas(*map(page, range(3))), "\n".join([head, *(text for page in texts for text in page)]), ()


def _clauses(language: Language) -> _Made:
    names = ["Section {} Duties", "第{}条 双方义务"][language == "zh"]
    texts = [[names.format(n + 1), *sentences(language, 4, 4 * n)] for n in range(3)]

    def page(number: int) -> _Draw:
        def draw(canvas: Canvas) -> None:
            for line, text in enumerate(texts[number]):
                _put(canvas, language, 60, 805 - 32 * line, text)

        return draw

    return _canvas(*map(page, range(3))), "\n".join(text for page in texts for text in page), ()


def _repeated_notes(language: Language) -> _Made:
    notes = [
        ["Fee until {}: {} euro.", "{}年以前收费{}元。"][language == "zh"].format(2021 + n, 4 + n)
        for n in range(3)
    ]
    texts = [[*sentences(language, 3, 3 * n), notes[n]] for n in range(3)]

    def page(number: int) -> _Draw:
        def draw(canvas: Canvas) -> None:
            for line, text in enumerate(texts[number][:-1]):
                _put(canvas, language, 60, 720 - 30 * line, text)
            _put(canvas, language, 60, 40, texts[number][-1], 8)

        return draw

    return _canvas(*map(page, range(3))), "\n".join(text for page in texts for text in page), ()


def _line_numbers(language: Language) -> _Made:
    texts = sentences(language, 9)

    def draw(canvas: Canvas) -> None:
        for line, text in enumerate(texts):
            _put(canvas, language, 70, 740 - 16 * line, text)
            _put(canvas, language, 550, 740 - 16 * line, str(26 + line))

    return _canvas(draw), "\n".join(texts), ()


def _turned(language: Language) -> _Made:
    """A landscape page set sideways on a page in portrait."""
    texts = sentences(language, 6)

    def draw(canvas: Canvas) -> None:
        canvas.translate(0, A4[1])
        canvas.rotate(-90)
        for line, text in enumerate(texts):
            _put(canvas, language, 80, 500 - 30 * line, text)

    return _canvas(draw), "\n".join(texts), ()


def _vertical(language: Language) -> _Made:
    texts = [text[:28] for text in sentences("zh", 6, 3 if language == "en" else 0)]

    def draw(canvas: Canvas) -> None:
        for column, text in reversed(list(enumerate(texts))):
            for place, character in enumerate(text):
                _put(canvas, "zh", 500 - 26 * column, 760 - 12 * place, character, 12)

    return _canvas(draw), "\n".join(texts), ()


def _watermark(language: Language) -> _Made:
    mark = "INTERNAL" if language == "en" else "内部资料"
    texts = [sentences(language, 5, 5 * number) for number in range(2)]

    def page(number: int) -> _Draw:
        def draw(canvas: Canvas) -> None:
            for line, text in enumerate(texts[number]):
                _put(canvas, language, 60, 740 - 60 * line, text)
            canvas.saveState()
            canvas.translate(150, 500)
            canvas.rotate(40)
            canvas.setFillGray(0.8)
            _put(canvas, language, 0, 0, mark, 60)
            canvas.restoreState()

        return draw

    return _canvas(page(0), page(1)), "\n".join([*texts[0], mark, *texts[1]]), ()


def _cropped(language: Language) -> _Made:
    texts = sentences(language, 6)

    def draw(canvas: Canvas) -> None:
        canvas.setCropBox((0, 400, *A4))
        for line, text in enumerate(texts):
            _put(canvas, language, 60, 780 - 60 * line, text)
        _put(canvas, language, 60, 300, "Printer's slug 17-4 cyan magenta")

    return _canvas(draw), "\n".join(texts), ()


def _backgrounds(language: Language) -> _Made:
    """A page as browsers print it: white and grey rectangles below text and a table with thin lines."""
    texts, rows = sentences(language, 3), TABLES[language]

    def draw(canvas: Canvas) -> None:
        for shade, box in ((1, (0, 0, *A4)), (0.97, (30, 300, 500, 500)), (1, (50, 560, 460, 220))):
            canvas.setFillGray(shade)
            canvas.rect(*box, stroke=0, fill=1)
        canvas.setFillGray(0)
        for line, text in enumerate(texts):
            _put(canvas, language, 60, 760 - 20 * line, text)
        table = Table(rows, style=[_GRID, ("FONT", (0, 0), (-1, -1), _FONTS[language], 10)], colWidths=100)
        table.wrapOn(canvas, 400, 300)
        table.drawOn(canvas, 60, 540)

    return _canvas(draw), "", cells_of(rows)


def _boxes(language: Language) -> _Made:
    texts = {
        "en": [
            "Is there any use of funds by shareholders?",
            "( ) yes  (x) no",
            "Is the opinion unqualified?",
            "(x) yes  ( ) no",
        ],
        "zh": ["公司是否存在控股股东占用资金情况", "□是 √否", "审计报告是否为标准无保留意见", "√是 □否"],
    }[language]

    def draw(canvas: Canvas) -> None:
        for line, text in enumerate(texts):
            _put(canvas, language, 60, 760 - 18 * line, text)

    return _canvas(draw), "\n".join(texts), ()


def _single_signs(language: Language) -> _Made:
    rows = [
        ["期限", "数值", "单位", "评级"],
        ["三年", "3", "%", "A"],
        ["五年", "4", "%", "B"],
        ["十年", "5", "%", "C"],
    ]
    if language == "en":
        rows = [
            ["Term", "Rate", "Unit", "Class"],
            ["short", "3", "%", "A"],
            ["medium", "4", "%", "B"],
            ["long", "5", "%", "C"],
        ]

    def draw(canvas: Canvas) -> None:
        for line, row in enumerate(rows):
            for n, text in enumerate(row):
                _put(canvas, "zh", 60 + 120 * n, 740 - 18 * line, text)

    return _canvas(draw), "", cells_of(rows)


def _raised(language: Language) -> _Made:
    """A laboratory's values with raised digits: 10⁹/L is not 109/L."""
    texts = (
        ["Leukocytes 6.3 × 10⁹/L are normal.", "Area 25 m² is small."]
        if language == "en"
        else ["白细胞 6.3×10⁹/L 为正常。", "面积 25 m² 较小。"]
    )

    def draw(canvas: Canvas) -> None:
        for line, text in enumerate(texts):
            x, y = 60.0, 740 - 20 * line
            for sign in text:
                raised = sign in "⁹²"
                shown = {"⁹": "9", "²": "2"}.get(sign, sign)
                size = 6 if raised else 10
                _put(canvas, language, x, y + 4 * raised, shown, size)
                x += stringWidth(shown, _FONTS[language], size)

    return _canvas(draw), "\n".join(texts), ()


_KINDS: dict[str, Callable[[Language], _Made]] = {
    "paragraphs": _paragraphs,
    "two columns": _in_columns(2),
    "three columns": _in_columns(3),
    "hyphenated columns": _hyphenated,
    "ruled table": _ruled,
    "merged cells": _merged,
    "table without lines": _borderless(1),
    "table with three lines": _borderless(1, booktabs=True),
    "table over pages": _borderless(3),
    "dense table": _dense,
    "names and values": _key_values(ruled=True),
    "names and values, no lines": _key_values(ruled=False),
    "wide form": _wide_form,
    "form fields": _fields,
    "second header": _second_header,
    "running heads": _running_heads,
    "clauses at the edge": _clauses,
    "notes at the edge": _repeated_notes,
    "line numbers": _line_numbers,
    "turned page": _turned,
    "vertical text": _vertical,
    "watermark": _watermark,
    "crop box": _cropped,
    "backgrounds": _backgrounds,
    "tick boxes": _boxes,
    "single signs": _single_signs,
    "raised digits": _raised,
}


def long_report() -> tuple[bytes, int]:
    """A report in both languages for measuring speed, and the number of its pages."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONTS["zh"]))
    story: list[object] = []
    for number in range(20):
        for language in ("en", "zh"):
            parts = [joined(sentences(language, 9, number + first), language) for first in range(5)]
            story += [Paragraph(f"{number}. {part}", _style(language)) for part in parts]
            rows = [[*row, str(number)] for row in TABLES[language]]
            story.append(Table(rows, style=[_GRID, ("FONT", (0, 0), (-1, -1), _FONTS[language], 10)]))
            story.append(PageBreak())
    return _flowed(story), 40


def scanned_text(language: Language, pages: int) -> tuple[bytes, str]:
    """Full pages of running text, to be drawn as scans, and that text."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONTS["zh"]))
    count = 6 if language == "en" else 9  # paragraphs that fill a page
    parts = [joined(sentences(language, 9, first), language) for first in range(count * pages)]
    numbered = [f"{number}. {part}" for number, part in enumerate(parts, start=1)]
    story: list[object] = []
    for place in range(0, len(numbered), count):
        story += [Paragraph(part, _style(language)) for part in numbered[place : place + count]]
        story.append(PageBreak())
    return _flowed(story), "\n".join(numbered)
