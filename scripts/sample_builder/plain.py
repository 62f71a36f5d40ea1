"""Formats that are text: Markdown, plain text, CSV, JSON and JSON Lines."""

import csv
import io
import json

from sample_builder.source import Source, SourceError


def build_text(source: Source) -> bytes:
    """Return the body as it is, in the source's encoding (UTF-16 with its byte-order mark)."""
    return source.body.encode(source.meta.get("encoding", "utf-8"))


def build_csv(source: Source) -> bytes:
    """Return the source's one table as CSV. Raises SourceError where there is not exactly one."""
    tables = [block for page in source.pages for block in page if block.kind == "table"]
    if len(tables) != 1:
        raise SourceError(f"{source.path}: a CSV file needs exactly one table, found {len(tables)}")
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(tables[0].rows)
    return buffer.getvalue().encode(source.meta.get("encoding", "utf-8"))


def build_json(source: Source) -> bytes:
    """Return the source's one fenced block, checked to be JSON (or one JSON value a line for .jsonl).

    Raises SourceError where there is not exactly one block or it does not parse.
    """
    fences = [block.text for page in source.pages for block in page if block.kind == "code"]
    if len(fences) != 1:
        raise SourceError(f"{source.path}: needs exactly one ```json block, found {len(fences)}")
    try:
        for part in fences[0].splitlines() if source.path.endswith(".jsonl") else fences:
            json.loads(part)
    except json.JSONDecodeError as error:
        raise SourceError(f"{source.path}: the ```json block does not parse: {error}") from error
    return fences[0].encode(source.meta.get("encoding", "utf-8"))
