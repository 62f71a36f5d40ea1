"""Formulas on one line, and what is raised or lowered."""

import pytest

from knowledge_base.loaders.formula import joined_runs, linear_formula, subscript, superscript
from knowledge_base.loaders.package import NAMESPACES, safe_xml


def math(inner: str) -> str:
    for name in (
        "f",
        "num",
        "den",
        "sSup",
        "e",
        "sup",
        "sub",
        "rad",
        "deg",
        "nary",
        "naryPr",
        "d",
        "mr",
        "m",
        "r",
        "t",
    ):
        inner = inner.replace(f"<{name}>", f"<m:{name}>").replace(f"</{name}>", f"</m:{name}>")
    return linear_formula(safe_xml(f'<m:oMath xmlns:m="{NAMESPACES["m"]}">{inner}</m:oMath>'.encode()))


def run(text: str) -> str:
    return f"<r><t>{text}</t></r>"


def test_what_is_raised_and_lowered() -> None:
    assert "10" + superscript("9") + "/L" == "10⁹/L"
    assert superscript("-6") == "⁻⁶"
    assert superscript("n+1") == "ⁿ⁺¹"
    assert superscript("a/b") == "^(a/b)"
    assert "1" + superscript("st") == "1st"
    assert "H" + subscript("2") + "O" == "H₂O"
    assert "x" + subscript("max") == "x_(max)"
    assert (
        joined_runs([("", "10"), ("sup", "1"), ("sup", "2"), ("strike", " 5 "), ("", "m")]) == "10¹² ~~5~~ m"
    )


def test_formulas_of_word() -> None:
    fraction = f"<f><num>{run('贷款余额')}</num><den>{run('评估价')}</den></f>"
    assert math(f"{run('LTV=')}{fraction}{run('×100%')}") == "LTV=贷款余额/评估价×100%"
    assert math(f"<f><num>{run('a+b')}</num><den>{run('c')}</den></f>") == "(a+b)/c"
    assert math(f"<sSup><e>{run('h')}</e><sup>{run('2')}</sup></sSup>") == "h²"
    assert math(f"<rad><deg></deg><e>{run('x')}</e></rad>") == "√(x)"
    assert math(f"<nary><sub>{run('i=1')}</sub><sup>{run('n')}</sup><e>{run('x')}</e></nary>") == "∫_(i=1)ⁿ x"
    assert math(f"<d><e>{run('a')}</e></d>") == "(a)"
    matrix = "".join(f"<mr><e>{run(a)}</e><e>{run(b)}</e></mr>" for a, b in ("12", "34"))
    assert math(f"<m>{matrix}</m>") == "[1, 2; 3, 4]"


@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ("<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac>", "a/(b+1)"),
        ("<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>", "x₁²"),
        ("<msqrt><mn>2</mn></msqrt>", "√(2)"),
        ("<semantics><mi>y</mi><annotation>tex</annotation></semantics>", "y"),
        ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover><mi>k</mi>", "∑₁ⁿ k"),
    ],
)
def test_formulas_of_pages(inner: str, shown: str) -> None:
    assert linear_formula(safe_xml(f"<math>{inner}</math>".encode())) == shown
