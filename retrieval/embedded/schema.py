"""The tables of a collection, as numbered migrations; `PRAGMA user_version` says how many have run."""

MIGRATIONS = (
    # 1: documents, their passages and vectors, one generation counter, tombstones for the projections.
    # `texts` is apart from `documents` so that the catalogue reads no text. Row ids of documents and
    # passages are never used twice (AUTOINCREMENT), so a projection can never mistake a new row for an
    # old one. A document's passages have the consecutive row ids from `first_row` on. A vector belongs to a
    # content hash, not to a passage: a renamed file finds its vectors.
    """
    CREATE TABLE collection (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        identity   TEXT    NOT NULL,
        program    TEXT    NOT NULL,
        embedder   TEXT    NOT NULL,
        digest     TEXT    NOT NULL,
        dimension  INTEGER NOT NULL,
        chunking   TEXT    NOT NULL,
        generation INTEGER NOT NULL
    );
    CREATE TABLE documents (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        path      TEXT    NOT NULL UNIQUE,
        source    TEXT    NOT NULL,
        digest    TEXT    NOT NULL,
        title     TEXT    NOT NULL,
        format    TEXT    NOT NULL,
        size      INTEGER NOT NULL,
        modified  TEXT    NOT NULL,
        passages  INTEGER NOT NULL,
        first_row INTEGER
    );
    CREATE TABLE texts (
        document INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
        text     TEXT    NOT NULL
    );
    CREATE TABLE vectors (
        id      INTEGER PRIMARY KEY,
        content TEXT    NOT NULL UNIQUE,
        vector  BLOB    NOT NULL
    );
    CREATE TABLE passages (
        row        INTEGER PRIMARY KEY AUTOINCREMENT,
        document   INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
        ordinal    INTEGER NOT NULL,
        text       TEXT    NOT NULL,
        first      INTEGER NOT NULL,
        last       INTEGER NOT NULL,
        title      TEXT    NOT NULL,
        heading    TEXT    NOT NULL,
        page       INTEGER,
        vector     INTEGER NOT NULL REFERENCES vectors(id),
        generation INTEGER NOT NULL,
        UNIQUE (document, ordinal)
    );
    CREATE INDEX passages_by_vector ON passages(vector);
    CREATE INDEX passages_by_generation ON passages(generation);
    CREATE TABLE removed (
        row        INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL
    );
    CREATE INDEX removed_by_generation ON removed(generation);
    """,
    # 2: what was not read of a document, as JSON, and how sure OCR was of a passage.
    """
    ALTER TABLE documents ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE passages ADD COLUMN ocr REAL;
    """,
    # 3: the counter of changes is called what it is.
    """
    ALTER TABLE collection RENAME COLUMN generation TO revision;
    ALTER TABLE passages RENAME COLUMN generation TO revision;
    ALTER TABLE removed RENAME COLUMN generation TO revision;
    """,
)
