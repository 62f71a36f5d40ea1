"""Build samples/bank from samples/sources; a second run changes nothing.

Documents of old Office (.doc, .xls, .ppt) are written by LibreOffice, differently each time: they are built
where they are missing. To build one again, delete it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from sample_builder.office import build_docx, build_pptx, build_xlsx
from sample_builder.old_office import OLD, build_old
from sample_builder.paper import build_pdf
from sample_builder.picture import build_photo, build_scan
from sample_builder.plain import build_csv, build_json, build_text
from sample_builder.source import Source, SourceError, read_source
from sample_builder.web import build_eml, build_epub, build_html

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
BUILDERS: dict[str, Callable[[Source], bytes]] = {
    ".pdf": build_pdf, ".docx": build_docx, ".pptx": build_pptx, ".xlsx": build_xlsx, ".csv": build_csv,
    ".html": build_html, ".md": build_text, ".txt": build_text, ".json": build_json, ".jsonl": build_json,
    ".eml": build_eml, ".epub": build_epub, ".jpg": build_photo, **dict.fromkeys(OLD, build_old),
}  # fmt: skip


def build(sources: Path, bank: Path) -> tuple[int, list[str]]:
    """Build every source below `sources` into `bank`.

    Returns how many documents there are and the paths of those whose bytes changed.
    Raises SourceError for a source that cannot be built or a target that two sources claim.
    """
    made: dict[str, Path] = {}
    changed = []
    for file in sorted(sources.rglob("*.md")):
        source = read_source(file)
        language = file.relative_to(sources).parts[0]
        path = PurePosixPath(source.path)
        if path.suffix not in BUILDERS or path.parts[0] != language or ".." in path.parts:
            formats = ", ".join(BUILDERS)
            raise SourceError(f"{file}: path {source.path!r}; {language}/FOLDER/NAME with one of {formats}")
        if source.path in made:
            raise SourceError(f"{file}: {source.path} is already built from {made[source.path]}")
        made[source.path] = file
        if path.suffix in OLD and (bank / source.path).exists():
            continue
        if _write(bank / source.path, _built(source, path.suffix)):
            changed.append(source.path)
    return len(made), changed


def _built(source: Source, suffix: str) -> bytes:
    return build_scan(source) if source.meta.get("as") == "scan" else BUILDERS[suffix](source)


def _write(target: Path, content: bytes) -> bool:
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def main() -> int:
    """Build the sample bank and name the documents that changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, default=SAMPLES / "sources")
    parser.add_argument("--bank", type=Path, default=SAMPLES / "bank")
    options = parser.parse_args()
    try:
        count, changed = build(options.sources, options.bank)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path in changed:
        sys.stdout.write(f"wrote {path}\n")
    sys.stdout.write(f"{count} documents, {len(changed)} changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
