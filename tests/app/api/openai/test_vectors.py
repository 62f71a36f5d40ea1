"""Embeddings by OpenAI's own client, and rerank as Cohere and Jina have it."""

import httpx
import numpy as np
import openai as client_of
import pytest
from openai import OpenAI

from tests.fake_workspace import FakeWorkspace

TEXTS = ["The gold card costs 200 yuan.", "白金卡年费为680元。"]


def test_texts_become_the_vectors_of_the_embedder(openai: OpenAI, workspace: FakeWorkspace) -> None:
    expected = workspace.embedder().embed(TEXTS, "passage")
    made = openai.embeddings.create(model="fake", input=TEXTS, encoding_format="float")
    assert [one.index for one in made.data] == [0, 1]
    assert np.allclose([one.embedding for one in made.data], expected)
    assert made.usage.total_tokens == sum(workspace.embedder().count_tokens(TEXTS))
    # Unless told otherwise, the client asks for base64 and decodes it.
    alone = openai.embeddings.create(model="fake", input=TEXTS[0], dimensions=expected.shape[1])
    assert np.allclose(alone.data[0].embedding, expected[0])


@pytest.mark.parametrize(
    ("field", "value", "param", "told"),
    [
        ("input", [1, 2, 3], "input", "Numbers of tokens"),
        ("input", [[1], [2]], "input", "Numbers of tokens"),
        ("input", "", "input.0", "at least 1 character"),
        ("input", [], "input", "at least 1 item"),
        ("input", ["a", "b " * 600], "input.1", "has 602 tokens, and fake reads 512"),
        ("dimensions", 64, "dimensions", "gives 256 dimensions"),
        ("encoding_format", "int8", "encoding_format", "'base64'"),
    ],
)
def test_what_is_not_done_is_refused(
    openai: OpenAI, field: str, value: object, param: str, told: str
) -> None:
    with pytest.raises(client_of.UnprocessableEntityError, match=told) as refused:
        openai.embeddings.create(**{"model": "fake", "input": "a", field: value})  # type: ignore[arg-type]
    assert refused.value.param == param


def test_another_model_is_not_there(openai: OpenAI) -> None:
    with pytest.raises(client_of.NotFoundError, match="Ask for fake") as refused:
        openai.embeddings.create(model="text-embedding-3-small", input="a")
    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")


def test_texts_are_ordered_by_how_well_they_answer(site: httpx.Client) -> None:
    body = {
        "query": "What does the gold card cost?",
        "documents": [
            "Branches open at nine.",
            {"text": "The gold card costs 200 yuan."},
            "Lost cards are blocked at once.",
        ],
        "top_n": 1,
        "return_documents": True,
    }
    told = site.post("/v1/rerank", json=body).json()
    assert told["model"] == "fake"
    assert [one["index"] for one in told["results"]] == [1]
    assert told["results"][0]["document"] == {"text": "The gold card costs 200 yuan."}
    assert 0 < told["results"][0]["relevance_score"] <= 1
    other = site.post("/v1/rerank", json={**body, "model": "rerank-3"})
    assert (other.status_code, other.json()["error"]["param"]) == (404, "model")
