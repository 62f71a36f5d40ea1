"""One registered version of an adapter, whether it is whole, and whether it fits what is loaded."""

from dataclasses import dataclass
from pathlib import Path

from answering.references import Reference
from finetune.registry.manifest import Manifest
from finetune.registry.peft_folder import CONFIG, WEIGHTS, check_folder
from knowledge_base.errors import MismatchError, ModelError
from knowledge_base.values import file_digest

_WITHOUT = 'Until then, choose the adapter "base" to be answered without.'


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter that can be loaded.

    `version` is None for a PEFT folder that somebody put into the home; it has a manifest only if it was
    exported by us. `folder` is an ordinary PEFT folder in any case.
    """

    name: str
    version: int | None
    folder: Path
    manifest: Manifest | None

    @property
    def reference(self) -> str:
        """The name that means exactly this: "bank@3"; "bank" for a folder without versions."""
        return str(Reference(self.name, self.version or "live"))


def verify(entry: Entry) -> None:
    """Compare every file with the SHA-256 in the manifest; ModelError names the first that is not as it was.

    Without a manifest the folder is only looked at, see `check_folder`.
    """
    if entry.manifest is None:
        check_folder(entry.folder)
        return
    for name in sorted({CONFIG, WEIGHTS, *entry.manifest.files}):
        problem = _problem(entry.folder / name, entry.manifest.files.get(name))
        if problem:
            raise ModelError(
                f"The adapter {entry.reference} is damaged: {name} {problem}.",
                "Import it again from a copy, or use another version; `domainqa adapters` lists them.",
            )


def check_fits(entry: Entry, base_digest: str | None, prompt_version: int) -> None:
    """Refuse an adapter that would answer wrongly: made for another base or prompt, or damaged.

    Args:
        entry: what somebody wants to load.
        base_digest: `model_digest` of the loaded base model, None where it is not known.
        prompt_version: of the prompts that it will be given.

    What a foreign adapter does not tell is not checked here; its shapes are when it is loaded. Raises
    MismatchError, or ModelError if files are missing or damaged.
    """
    verify(entry)
    made = entry.manifest
    if made is None:
        return
    if made.prompt_version is not None and made.prompt_version != prompt_version:
        raise MismatchError(
            f"The adapter {entry.reference} was trained on version {made.prompt_version} of the prompt; this "
            f"program uses version {prompt_version}.",
            f"Train it again: domainqa retrain. {_WITHOUT}",
        )
    if made.base and made.base.digest and base_digest and made.base.digest != base_digest:
        raise MismatchError(
            f"The adapter {entry.reference} was trained on {made.base.id} with the weights "
            f"{made.base.digest[:12]}; those that are loaded are {base_digest[:12]}.",
            f"Make that model the generator in the settings, or train an adapter for this one. {_WITHOUT}",
        )


def _problem(file: Path, expected: str | None) -> str:
    if expected is None:
        return "is not in its manifest"
    try:
        return "" if file_digest(file) == expected else "is not what was registered"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
