"""Requests that nobody thought of, made from our own OpenAPI description: no route breaks on any of them."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import given, settings

from app.access.store import AccessStore
from app.access.values import ROLES, grant
from app.settings import Settings
from tests.app.serving import served
from tests.fake_workspace import FakeWorkspace

TRIED = 10
REFUSED = {401, 403, 404}


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


@pytest.mark.heavy
def test_a_thousand_requests_break_nothing_and_let_nobody_in(tmp_path: Path) -> None:
    """Each with the key of every role and with a wrong one; documents of another collection stay there."""
    store = AccessStore(tmp_path)
    keys = {
        role: store.keys.create(role, grant(role, () if role == "admin" else ("mine",))) for role in ROLES
    }
    bank = FakeWorkspace(Settings(home=tmp_path))
    bank.put("secret", "a.txt", "Nobody else reads this sentence.")
    sent = 0
    with served(bank, Settings(home=tmp_path, access="required", requests_per_minute=100_000)) as address:
        admin = {"authorization": f"Bearer {keys['admin']}"}
        described = schemathesis.openapi.from_url(f"{address}openapi.json", headers=admin)
        for operation in [found.ok() for found in described.get_all_operations()]:

            @settings(max_examples=20, deadline=None, derandomize=True, database=None)
            @given(operation.as_strategy())
            def no_request_gets_through(case: schemathesis.Case) -> None:
                nonlocal sent
                for role in ("reader", "editor", None):
                    key = keys[role] if role else "dq_000000000000_wrong"
                    answer = case.call(headers={"authorization": f"Bearer {key}"}, timeout=20)
                    sent += 1
                    assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text}"
                    assert "Nobody else reads" not in answer.text
                    if role is None and not case.path.endswith(("healthz", "readyz")):
                        assert answer.status_code in {*REFUSED, 413}, f"{case.method} {case.path}"

            no_request_gets_through()
    assert "a.txt" in bank.indexes["secret"].catalogue()
    assert sent >= 1000
