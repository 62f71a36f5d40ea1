"""Documents of Office 97 to 2003, which LibreOffice writes from those of today."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import olefile

from sample_builder.office import build_docx, build_pptx, build_xlsx
from sample_builder.source import Source, SourceError

OLD: dict[str, tuple[str, Callable[[Source], bytes]]] = {
    ".doc": ("docx", build_docx),
    ".xls": ("xlsx", build_xlsx),
    ".ppt": ("pptx", build_pptx),
}
LONGEST = 120  # seconds
SUMMARY, HEAD = "\x05SummaryInformation", 600  # the stream, and its bytes before a thumbnail


def build_old(source: Source) -> bytes:
    """Return the source in its old format. Raises SourceError where LibreOffice is not installed."""
    program = shutil.which("soffice")
    if program is None:
        raise SourceError(f"{source.path}: install LibreOffice to build it")
    old = Path(source.path).suffix
    new, build = OLD[old]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"document.{new}")
        file.write_bytes(build(source))
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = [program, "--headless", profile, "--convert-to", old[1:], "--outdir", folder, str(file)]
        subprocess.run(command, check=True, timeout=LONGEST, capture_output=True)
        written = file.with_suffix(old)
        _blank_thumbnail(written)
        return written.read_bytes()


def _blank_thumbnail(file: Path) -> None:
    """Fill the uncompressed thumbnail of slides, half a megabyte, with zeros, which the repository packs."""
    with olefile.OleFileIO(file, write_mode=True) as ole:
        summary = ole.openstream(SUMMARY).read()
        ole.write_stream(SUMMARY, summary[:HEAD].ljust(len(summary), b"\0"))
