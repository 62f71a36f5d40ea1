"""Our ingest and a plain LangChain pipeline over the same folder, in one run.

usage: python benchmarks/ingest.py [--data xquad.en.json xquad.zh.json] [--folder FOLDER] [--json FILE]

With --data, every article of the question sets becomes a text file, and recall is measured with their
questions: found is one of the first k passages that comes from the right file and holds an accepted answer.
With --folder, an existing folder of .txt and .md files is ingested and only speed is measured.
LangChain's side is what its documentation shows: DirectoryLoader with TextLoader,
RecursiveCharacterTextSplitter, the same embedder through sentence-transformers, FAISS, BM25Retriever.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_community.document_loaders import DirectoryLoader, TextLoader
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from sentence_transformers import SentenceTransformer

from app.factories import model_folder
from app.settings import Settings, load_settings
from app.workspace import Workspace
from benchmarks.measuring import QuestionSet, Row, read_set, save, show
from knowledge_base.ingest import silent

K = 5
PARAGRAPHS_PER_FILE = 5
CHUNK_CHARACTERS, OVERLAP = 1000, 100


class PlainEmbeddings(Embeddings):
    """What LangChain's HuggingFaceEmbeddings does: encode with the library's defaults."""

    def __init__(self, folder: Path) -> None:
        self._model = SentenceTransformer(str(folder), device="cpu")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of passages."""
        return self._encode([f"passage: {text}" for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self._encode([f"query: {text}"])[0]

    def _encode(self, texts: list[str]) -> list[list[float]]:
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return [[float(value) for value in vector] for vector in vectors]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the file that answers it, and the accepted answers."""

    text: str
    file: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side did: passages made, seconds taken, and the passages found for each question."""

    passages: int
    seconds: float
    found: list[list[tuple[str, str]]]


def main() -> None:
    """Measure both, print, save."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.folder or Path(place) / "documents"
        questions = [q for file in arguments.data for q in _write(read_set(file), folder)]
        texts = [file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()]
        settings = load_settings({"home": Path(place) / "home", "top_k": K})
        sides = {
            "LangChain": _langchain(folder, questions, settings),
            "domainqa": _domainqa(folder, questions, settings),
        }
        rows = [_row(name, side, sum(map(len, texts)), questions) for name, side in sides.items()]
    ratio = {
        name: rows[1][name] / rows[0][name]  # type: ignore[operator]
        for name in ("passages/s", "characters/s")
    }
    rows.append({**dict.fromkeys(rows[0]), "pipeline": "ratio", **ratio})
    show("Ingest", rows)
    save(arguments.json, "ingest", {"ingest": rows})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="question sets in SQuAD's layout")
    parser.add_argument("--folder", type=Path, help="ingest this folder instead")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if bool(arguments.data) == bool(arguments.folder):
        parser.error("give either --data or --folder")
    return arguments


def _write(held: QuestionSet, folder: Path) -> list[Question]:
    """A text file for every few paragraphs; the questions with the file that answers them."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(held.paragraphs), PARAGRAPHS_PER_FILE):
        text = "\n\n".join(held.paragraphs[first : first + PARAGRAPHS_PER_FILE])
        (folder / _file(held, first)).write_text(text, encoding="utf-8")
    return [Question(asked.question, _file(held, asked.paragraph), asked.answers) for asked in held.questions]


def _file(held: QuestionSet, paragraph: int) -> str:
    return f"{held.name}-{paragraph // PARAGRAPHS_PER_FILE:04d}.txt"


def _langchain(folder: Path, questions: Sequence[Question], settings: Settings) -> Outcome:
    embeddings = PlainEmbeddings(model_folder(settings.embedder, settings.models_cache))
    embeddings.embed_query("warm up")
    started = time.perf_counter()
    options = {"encoding": "utf-8"}
    loaded = DirectoryLoader(str(folder), glob="**/*.*", loader_cls=TextLoader, loader_kwargs=options).load()
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP)
    chunks = splitter.split_documents(loaded)
    store = FAISS.from_documents(chunks, embeddings)
    BM25Retriever.from_documents(chunks)
    seconds = time.perf_counter() - started
    found = [[_place(hit) for hit in store.similarity_search(question.text, K)] for question in questions]
    return Outcome(len(chunks), seconds, found)


def _place(hit: LangChainDocument) -> tuple[str, str]:
    return Path(hit.metadata["source"]).name, hit.page_content


def _domainqa(folder: Path, questions: Sequence[Question], settings: Settings) -> Outcome:
    with Workspace(settings) as workspace:
        workspace.embedder().embed(["warm up"], "query")
        started = time.perf_counter()
        report = workspace.ingest(folder, "measured", progress=silent)
        seconds = time.perf_counter() - started
        results = workspace.search([q.text for q in questions], "measured", k=K) if questions else []
    found = [[(e.passage.document, e.passage.text) for e in result.ranked] for result in results]
    return Outcome(report.passages, seconds, found)


def _row(name: str, side: Outcome, characters: int, questions: Sequence[Question]) -> Row:
    return {
        "pipeline": name,
        "passages": side.passages,
        "seconds": side.seconds,
        "passages/s": side.passages / side.seconds,
        "characters/s": characters / side.seconds,
        "recall@1": _recall(1, side, questions),
        f"recall@{K}": _recall(K, side, questions),
    }


def _recall(k: int, side: Outcome, questions: Sequence[Question]) -> float | None:
    if not questions:
        return None
    right = [
        any(file == question.file and _holds(text, question.answers) for file, text in found[:k])
        for question, found in zip(questions, side.found, strict=True)
    ]
    return sum(right) / len(right)


def _holds(text: str, answers: Sequence[str]) -> bool:
    return any(answer in text for answer in answers)


if __name__ == "__main__":
    main()
