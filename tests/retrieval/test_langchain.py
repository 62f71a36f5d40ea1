"""Our retriever in chains of LangChain."""

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from knowledge_base.errors import InputError
from retrieval.langchain import DomainqaRetriever
from retrieval.retriever import Retriever
from retrieval.values import Filter
from tests.contracts.index_contract import ALL, FEES, LOANS
from tests.fakes import FakeIndex


@pytest.fixture
def retriever() -> Retriever:
    index = FakeIndex()
    index.add(ALL)
    return Retriever(index)


def test_passages_are_documents_with_their_place(retriever: Retriever) -> None:
    found = DomainqaRetriever(retriever=retriever, k=2).invoke("What does the platinum card cost?")
    passage = FEES.passages[0]
    assert len(found) == 2
    assert (found[0].id, found[0].page_content) == (passage.id, passage.text)
    assert found[0].metadata == {
        "document": "fees/cards.md",
        "ordinal": 0,
        "title": "Fees 2026",
        "heading": ["Cards", "Annual fees"],
        "page": 1,
        "start": passage.start,
        "end": passage.end,
        "score": found[0].metadata["score"],
        "dense_rank": 1,
        "lexical_rank": 1,
    }
    assert found[0].metadata["score"] > found[1].metadata["score"]


def test_it_looks_only_where_it_may(retriever: Retriever) -> None:
    limited = DomainqaRetriever(retriever=retriever, limit=Filter(folder="loans"))
    assert {found.metadata["document"] for found in limited.invoke("card")} == {LOANS.path}


def test_it_works_in_batches_and_asynchronously(retriever: Retriever) -> None:
    ours = DomainqaRetriever(retriever=retriever, k=1)
    questions = ["platinum card", "home loan rate"]
    together = ours.batch(questions)
    assert [found[0].metadata["document"] for found in together] == [FEES.path, LOANS.path]
    # In a thread: tests that drive a browser leave an event loop running in this one.
    with ThreadPoolExecutor(1) as elsewhere:
        alone = elsewhere.submit(lambda: asyncio.run(ours.ainvoke(questions[0]))).result()
    assert alone == together[0]


def test_a_question_may_bring_its_own_number_and_place(retriever: Retriever) -> None:
    ours = DomainqaRetriever(retriever=retriever, k=1)
    found = ours.invoke("card", k=2, limit=Filter(folder="loans"))
    assert {document.metadata["document"] for document in found} == {LOANS.path}
    assert len(ours.invoke("card")) == 1


def test_it_passes_langchains_own_tests_for_retrievers() -> None:
    tests = Path(__file__).with_name("langchain_standard.py")
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", str(tests)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"^[5-9] passed", ended.stdout.splitlines()[-1])


def test_it_is_a_link_of_a_chain(retriever: Retriever) -> None:
    def joined(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    asked: list[str] = []

    def noted(prompt: object) -> object:
        asked.append(str(prompt))
        return prompt

    chain = (
        {
            "context": DomainqaRetriever(retriever=retriever, k=1) | joined,
            "question": RunnablePassthrough(),
        }
        | ChatPromptTemplate.from_template("Answer from this: {context}\nQuestion: {question}")
        | RunnableLambda(noted)
        | FakeListChatModel(responses=["680 yuan a year."])
        | StrOutputParser()
    )
    assert chain.invoke("What does the platinum card cost?") == "680 yuan a year."
    assert "The platinum card costs 680 yuan a year." in asked[0]
    assert "gold" not in asked[0]


def test_errors_are_ours(retriever: Retriever) -> None:
    with pytest.raises(InputError):
        DomainqaRetriever(retriever=retriever).invoke(" ")
