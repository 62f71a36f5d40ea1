"""The rules that hold for the whole repository: direction of imports, no circles, small described pieces."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("knowledge_base", "retrieval", "answering", "finetune", "app")
FILES = sorted(file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in FILES
}
MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 50
MOST_COMMAND_LINES = 30


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(nodes: Iterator[ast.AST] | list[ast.stmt]) -> Iterator[str]:
    """Modules that statements import, as far as they are ours."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in submodules if name in MODULES] or [node.module]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_one_way(file: Path) -> None:
    layer = file.relative_to(ROOT).parts[0]
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    ours = [name for name in imported(ast.walk(parsed(file))) if name.partition(".")[0] in LAYERS]
    assert [name for name in ours if name.partition(".")[0] not in allowed] == []


def test_the_packages_import_nothing_that_is_not_installed_with_them() -> None:
    found = {name.partition(".")[0] for file in FILES for name in imported(ast.walk(parsed(file)))}
    assert not found & {"tests", "scripts", "benchmarks", "samples"}


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        name: {other for other in imported(parsed(file).body) if other in MODULES and other != name}
        for name, file in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" ← ".join(error.args[1]))
    assert len(graph) == len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_file_is_small_and_says_its_job(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)) or not text.strip()
    assert text.count("\n") <= MOST_FILE_LINES


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_functions_are_short(file: Path) -> None:
    allowed = MOST_COMMAND_LINES if "cli" in file.parts else MOST_FUNCTION_LINES
    functions = [node for node in ast.walk(parsed(file)) if isinstance(node, ast.FunctionDef)]
    assert {node.name: lines_of(node) for node in functions if lines_of(node) > allowed} == {}


def lines_of(function: ast.FunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_nothing_is_unpickled_or_evaluated() -> None:
    forbidden = re.compile(r"\bimport pickle\b|\btorch\.load\(|(?<![.\w])(eval|exec)\(|allow_pickle=True")
    code = {file: ast.unparse(parsed(file)) for file in FILES}
    assert [file for file, text in code.items() if forbidden.search(text)] == []
