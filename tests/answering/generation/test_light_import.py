"""What stands in for modules that nothing here calls."""

import sys

import pytest

from answering.generation.light_import import light_transformers


@pytest.fixture(autouse=True)
def not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("scipy.optimize")]:
        monkeypatch.delitem(sys.modules, name)


def test_the_real_module_can_be_imported_afterwards() -> None:
    with light_transformers():
        from scipy.optimize import linear_sum_assignment as marked

        assert marked(3) == 3
    from scipy.optimize import linear_sum_assignment

    assert linear_sum_assignment([[1, 0], [0, 1]])[1].tolist() == [1, 0]


def test_whoever_asks_for_more_gets_the_real_module() -> None:
    with light_transformers():
        from scipy.optimize import brentq

        assert brentq(lambda x: x - 1, 0, 3) == pytest.approx(1)
    assert "brentq" in dir(sys.modules["scipy.optimize"])
