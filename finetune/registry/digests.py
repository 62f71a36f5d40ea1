"""Digests of weights, which tell one base model from another."""

import hashlib
from pathlib import Path

from knowledge_base.errors import ModelError

_BLOCK = 1 << 22


def weights_digest(folder: Path) -> str:
    """SHA-256, in hexadecimal, over the *.safetensors of a model folder, read one after the other by name.

    The same as `cat *.safetensors | sha256sum`. About a second for each gigabyte. Raises ModelError if the
    folder holds no such file or it cannot be read.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The model folder {folder} holds no weights (*.safetensors).",
            "Copy the folder again, or convert older .bin weights to safetensors.",
        )
    try:
        for path in files:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
    except OSError as error:
        raise ModelError(
            f"The weights in {folder} cannot be read: {error.strerror}.", "Make them readable."
        ) from error
    return digest.hexdigest()
