"""An optional cross-encoder that reads question and passage together and orders the first few anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from knowledge_base.errors import ModelError
from retrieval.fusion import Ranked

# A cross-encoder reads each passage in full, so only the head of the fused order is worth its time.
_READ = 20


class Reranker(Protocol):
    """Scores passages against a question; higher is better."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text."""
        ...


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder from a local folder."""

    def __init__(self, folder: str, device: str = "cpu") -> None:
        """Load the model; raises ModelError if the folder does not hold a cross-encoder."""
        from sentence_transformers import CrossEncoder

        try:
            self._model = CrossEncoder(folder, device=device)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The reranker {folder} cannot be loaded: {error}.",
                "Name a folder or hub id of a cross-encoder, or leave the setting `reranker` empty.",
            ) from error

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One relevance score for each text, as the model gives it."""
        pairs = [(question, text) for text in texts]
        return [float(score) for score in self._model.predict(pairs, show_progress_bar=False)]


def rerank(question: str, ranked: Sequence[Ranked], reranker: Reranker) -> list[Ranked]:
    """Order the head of `ranked` by the reranker's scores, the rest behind it as it was."""
    head, tail = ranked[:_READ], ranked[_READ:]
    if not head:
        return []
    scores = reranker.score(question, [entry.passage.indexed_text for entry in head])
    scored = [replace(entry, score=score) for entry, score in zip(head, scores, strict=True)]
    return [*sorted(scored, key=lambda entry: -entry.score), *tail]
