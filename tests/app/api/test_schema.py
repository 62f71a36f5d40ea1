"""Requests that nobody thought of, made from our own OpenAPI description: no route breaks on any of them."""

import schemathesis
from hypothesis import given, settings

TRIED = 10


def test_no_request_breaks_a_route(address: str) -> None:
    described = schemathesis.openapi.from_url(f"{address}openapi.json")
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:

        @settings(max_examples=TRIED, deadline=None, derandomize=True, database=None)
        @given(operation.as_strategy())
        def no_request_breaks_it(case: schemathesis.Case) -> None:
            answer = case.call(timeout=20)
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text}"

        no_request_breaks_it()
