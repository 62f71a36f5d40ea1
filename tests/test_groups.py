"""Tests that share something dear, a cluster or a loaded model, run in one process."""

import os

import pytest


def test_several_processes_share_tests_by_group(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        assert "@" not in request.node.nodeid  # in one process all are together anyway
        return
    assert os.environ["PYTEST_XDIST_WORKER"]
    assert request.node.nodeid.endswith(f"@{request.node.path}")
