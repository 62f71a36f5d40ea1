"""What every `Embedder` does; the tests of each subclass the contract here."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retrieval.values import Embedder, TextKind

CARD = "The platinum card costs 680 yuan a year."
TEXTS = (CARD, "A home loan runs for at most thirty years.", "白金卡年费为680元。", "", " \n ", "fee " * 40)


class EmbedderContract:
    """Subclasses give the fixture `embedder`."""

    @pytest.mark.parametrize("kind", ["query", "passage"])
    def test_vectors_are_rows_of_length_one_in_fp32(self, embedder: Embedder, kind: TextKind) -> None:
        vectors = embedder.embed(TEXTS[:3], kind)
        assert vectors.shape == (3, embedder.dimension)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed([], "passage").shape == (0, embedder.dimension)
        assert embedder.count_tokens([]) == []

    def test_empty_and_blank_texts_have_vectors_too(self, embedder: Embedder) -> None:
        vectors = embedder.embed(["", " \n "], "passage")
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_a_text_has_the_same_vector_in_any_company_and_order(self, embedder: Embedder) -> None:
        together = embedder.embed(TEXTS, "passage")
        backwards = embedder.embed(TEXTS[::-1], "passage")[::-1]
        alone = np.concatenate([embedder.embed([text], "passage") for text in TEXTS])
        assert np.sum(together * backwards, axis=1).min() > 0.999
        assert np.sum(together * alone, axis=1).min() > 0.999

    def test_different_texts_have_different_vectors(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS[:3], "passage")
        assert np.max(vectors @ vectors.T - np.eye(3)) < 0.9999

    def test_a_long_text_is_read_up_to_its_limit(self, embedder: Embedder) -> None:
        text = "fee " * (embedder.max_tokens * 2)
        assert embedder.count_tokens([text])[0] > embedder.max_tokens
        assert np.allclose(np.linalg.norm(embedder.embed([text], "passage")), 1, atol=1e-5)

    def test_tokens_are_counted_with_special_ones_and_grow_with_the_text(self, embedder: Embedder) -> None:
        empty, short, longer = embedder.count_tokens(["", "fee", "fee fee fee"])
        assert 2 <= empty < short < longer

    def test_it_says_what_made_a_vector(self, embedder: Embedder) -> None:
        assert embedder.id
        assert len(embedder.digest) == 64
        assert int(embedder.digest, 16)

    def test_several_threads_may_use_it_at_once(self, embedder: Embedder) -> None:
        wanted = embedder.embed(TEXTS, "passage")
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: embedder.embed(TEXTS, "passage"), range(8)))
        assert all(np.allclose(result, wanted, atol=1e-5) for result in results)
