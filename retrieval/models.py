"""A model's name becomes a local folder: a packaged model, a folder, or an id of the Hugging Face hub."""

from collections.abc import Sequence
from pathlib import Path

from knowledge_base.errors import ModelError
from retrieval.packaged import PackagedModel, Progress, silent, unpack

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
