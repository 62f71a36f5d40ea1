"""The models that are installed with domainqa as packages, and the way from a model's name to its folder."""

from pathlib import Path

from answering.generation.gemma import GEMMA
from retrieval.e5 import E5_SMALL
from retrieval.models import resolve
from retrieval.packaged import PackagedModel, Progress, silent

PACKAGED: tuple[PackagedModel, ...] = (E5_SMALL, GEMMA)


def model_folder(name: str, cache: Path, progress: Progress = silent) -> Path:
    """The folder of a packaged model, a model folder, or one of the hub; raises ModelError."""
    return resolve(name, cache, PACKAGED, progress)
