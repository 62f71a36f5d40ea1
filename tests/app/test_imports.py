"""No start pays for what it does not use: libraries that take long to import come when they are needed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from retrieval.e5 import build
from retrieval.models import silent
from tests.answering.generation.tiny import save_adapter, save_model
from tests.retrieval.tiny_e5 import packed, tensors

READERS = {"docutils", "lxml", "markdown_it", "pypdfium2", "selectolax", "xlrd"}
MODELS = {"accelerate", "gguf", "peft", "sentence_transformers", "transformers"}
OTHERS = {"cv2", "elasticsearch", "langchain_core", "onnxruntime", "scipy", "sklearn"}
PAGE = {"fastapi", "gradio", "mcp", "pandas"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home with one document, and small models in place of the packaged ones."""
    embedder = tmp_path / "tiny-e5"
    embedder.mkdir()
    (tmp_path / "model.bin").write_bytes(packed(tensors()))
    build([tmp_path / "model.bin"], embedder, silent)
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "fees.txt").write_text("The annual fee of the platinum card is 680 yuan.\n")
    return {
        **os.environ,
        "DOMAINQA_HOME": str(tmp_path / "home"),
        "DOMAINQA_EMBEDDER": str(embedder),
        "DOMAINQA_GENERATOR": str(save_model(tmp_path / "gemma", "gemma3_text")),
    }


def imported(code: str, environment: Mapping[str, str] = os.environ) -> set[str]:
    """The packages that a new process has imported after `code`."""
    code += "\nimport sys\nprint('imported', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*arguments: str) -> str:
    return f"from app.cli.root import cli\ncli({list(arguments)}, standalone_mode=False)"


def test_a_workspace_imports_no_model_no_page_and_no_reader_of_files() -> None:
    found = imported("import app.workspace")
    assert not found & {"torch", "tokenizers", *READERS, *MODELS, *OTHERS, *PAGE}


def test_a_page_is_served_before_any_model_is_imported() -> None:
    found = imported("import app.server")
    assert not found & {"torch", "tokenizers", "docutils", "lxml", "pypdfium2", *MODELS, *OTHERS}


def test_an_answer_of_the_documents_own_words_imports_an_embedder_and_no_language_model(
    environment: dict[str, str], tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "app.cli", "ingest", str(tmp_path / "bank")], env=environment, check=True
    )
    listed = imported(command("documents"), environment)
    assert not listed & {"torch", "tokenizers", *READERS, *MODELS, *OTHERS, *PAGE}
    for arguments in (("search", "platinum"), ("ask", "What is the annual fee of the platinum card?")):
        found = imported(command(*arguments), environment)
        assert "torch" in found
        assert not found & (READERS | MODELS | OTHERS | PAGE), arguments


def test_a_model_and_an_adapter_answer_without_the_compiler(
    environment: dict[str, str], tmp_path: Path
) -> None:
    base = Path(environment["DOMAINQA_GENERATOR"])
    code = f"""
from pathlib import Path
from answering.generation.in_process import InProcessGenerator
from answering.generation.protocol import Request
from retrieval.prompt import Message
generator = InProcessGenerator(Path({str(base)!r}))
generator.add_adapter("bank", Path({str(save_adapter(tmp_path / "bank", base))!r}), "1")
for adapter in (None, "bank"):
    pieces = generator.stream(Request((Message("user", "What does the card cost?"),), adapter=adapter))
    assert "".join(pieces)
"""
    assert "triton" not in imported(code, environment)
