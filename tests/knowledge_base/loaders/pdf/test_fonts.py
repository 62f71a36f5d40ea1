"""A PDF that does not carry its Chinese font is read the same, whatever fonts the machine has."""

import importlib
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[4]
_FEES = _ROOT / "samples" / "bank" / "zh" / "收费" / "2026年服务收费标准.pdf"
_READ = """
import ctypes, pathlib, sys
import pypdfium2.raw as pdfium
none = (ctypes.c_char_p * 2)(sys.argv[2].encode(), None)
places = ctypes.cast(none, ctypes.POINTER(ctypes.POINTER(ctypes.c_char)))
pdfium.FPDF_DestroyLibrary()
pdfium.FPDF_InitLibraryWithConfig(pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=places))
from knowledge_base.loaders.pdf import document, load_pdf
if sys.argv[3] == "without":
    document.use_fonts = lambda system: None
blocks = load_pdf(pathlib.Path(sys.argv[1]).read_bytes()).blocks
sys.stdout.buffer.write("\\n".join(block.text for block in blocks).encode())
"""


def _read(no_fonts: Path, font: str) -> str:
    command = [sys.executable, "-c", _READ, str(_FEES), str(no_fonts), font]
    done = subprocess.run(command, check=True, capture_output=True, cwd=_ROOT)
    return done.stdout.decode()


def test_where_no_font_is_installed_no_character_is_lost(tmp_path: Path) -> None:
    assert "白金卡年费；今年收费标准：680元" in _read(tmp_path, "with")
    assert "680元" not in _read(tmp_path, "without"), "PDFium needs our font no longer: remove it"


def test_the_font_is_what_its_script_makes(tmp_path: Path) -> None:
    sys.path.insert(0, str(_ROOT / "scripts"))
    try:
        box_font = importlib.import_module("box_font")
    finally:
        sys.path.remove(str(_ROOT / "scripts"))
    made = tmp_path / "boxes.ttf"
    box_font.build().save(made)
    assert made.read_bytes() == box_font.TARGET.read_bytes()
