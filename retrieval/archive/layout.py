"""What stands in an archive: documents as lines of JSON, vectors, uploaded files, and a manifest of it all.

The archive is a zip file. The manifest is written last, and names every other file with size and SHA-256.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from knowledge_base.errors import InputError

FORMAT = 1
MANIFEST = "manifest.json"
DOCUMENTS = "documents.jsonl"
VECTORS = "vectors.npy"
UPLOADS = "uploads/"

# Told what is being done, how much of it is done, and how much there is.
OnStep = Callable[[str, int, int], None]

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]


def quietly(_label: str, _done: int, _total: int) -> None:
    """The `OnStep` that tells nobody."""


class Member(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: _Count
    sha256: _Digest


class Manifest(BaseModel):
    """What an archive holds, and what its collection was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    program: str
    collection: str
    embedder: str
    digest: str
    dimension: Annotated[int, Field(ge=1, le=100_000)]
    chunking: str
    documents: _Count
    passages: _Count
    files: dict[str, Member]


def damaged(reason: str) -> InputError:
    """The error for an archive that is not as it was written."""
    return InputError(
        f"The archive is damaged or not complete: {reason}.",
        "Copy it again, or export the collection again; nothing has been changed.",
    )
