"""LangChain's own tests for retrievers, over ours; `test_langchain` runs them in a process of their own.

They need an event loop, which tests that drive a browser keep busy.
"""

from typing import Any

import pytest
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests

from retrieval.langchain import DomainqaRetriever
from retrieval.retriever import Retriever
from tests.contracts.index_contract import ALL
from tests.fakes import FakeIndex

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TestDomainqaRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return DomainqaRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        index = FakeIndex()
        index.add(ALL)
        return {"retriever": Retriever(index)}

    @property
    def retriever_query_example(self) -> str:
        return "What does the platinum card cost?"
