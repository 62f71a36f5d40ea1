"""A collection made anew takes the place of the old one, in one transaction of the old one's database."""

from pathlib import Path

from retrieval.collections import program_version
from retrieval.embedded.database import Database
from retrieval.embedded.store import FILE_NAME, FIRST_ROW

_COPY = (
    "INSERT INTO removed SELECT row, :revision FROM main.passages",
    "DELETE FROM main.documents",
    "DELETE FROM main.vectors",
    "INSERT INTO main.vectors (content, vector) SELECT content, vector FROM fresh.vectors",
    """
    INSERT INTO main.documents (path, source, digest, title, format, size, modified, passages, notes)
    SELECT path, source, digest, title, format, size, modified, passages, notes FROM fresh.documents
    """,
    """
    INSERT INTO main.texts (document, text)
    SELECT d.id, t.text FROM fresh.texts t
    JOIN fresh.documents f ON f.id = t.document JOIN main.documents d ON d.path = f.path
    """,
    """
    INSERT INTO main.passages
        (document, ordinal, text, first, last, title, heading, page, ocr, vector, revision)
    SELECT d.id, p.ordinal, p.text, p.first, p.last, p.title, p.heading, p.page, p.ocr, v.id, :revision
    FROM fresh.passages p
    JOIN fresh.documents f ON f.id = p.document JOIN main.documents d ON d.path = f.path
    JOIN fresh.vectors w ON w.id = p.vector JOIN main.vectors v ON v.content = w.content
    ORDER BY p.row
    """,
    FIRST_ROW,
    """
    UPDATE main.collection SET (embedder, digest, dimension, chunking) =
        (SELECT embedder, digest, dimension, chunking FROM fresh.collection),
        revision = :revision, program = :program
    """,
)


def replace_contents(folder: Path, fresh: Path) -> None:
    """Give the collection in `folder` the documents, vectors and fingerprint of the one in `fresh`.

    The old passages leave tombstones, so the projections catch up as after any other change. Call with the
    writer lock of `folder` held and nobody using `fresh`.
    """
    database = Database(folder / FILE_NAME, create=False)
    try:
        with database.write_from(fresh / FILE_NAME) as connection:
            (revision,) = connection.execute("SELECT revision + 1 FROM main.collection").fetchone()
            values = {"revision": revision, "program": program_version()}
            for statement in _COPY:
                connection.execute(statement, values)
        database.maintain()
    finally:
        database.close()
