"""Notebooks and reStructuredText."""

import json

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.notebook import load_notebook, load_restructured_text


def test_texts_code_and_results_of_a_notebook() -> None:
    table = "<table><tr><th>card</th><th>fee</th></tr><tr><td>Gold</td><td>5</td></tr></table>"
    cells = [
        {"cell_type": "markdown", "source": ["# Fees\n", "All *cards*."]},
        {
            "cell_type": "code",
            "source": "show(fees)",
            "outputs": [{"data": {"text/html": table, "text/plain": "no"}}, {"text": ["done\n"]}],
        },
    ]
    loaded = load_notebook(json.dumps({"cells": cells}).encode())
    assert [(block.kind, block.text) for block in loaded.blocks] == [
        ("heading", "Fees"),
        ("text", "All cards."),
        ("text", "show(fees)"),
        ("row", "card: Gold; fee: 5"),
        ("text", "done"),
    ]
    with pytest.raises(LoadError, match="not a notebook"):
        load_notebook(b"[1]")


SOURCE = """Fees
====

A *gold* card [#n]_.

Rates
-----

====  ===
Card  Fee
====  ===
Gold  5
====  ===

.. include:: /etc/passwd

.. [#n] per year
"""


def test_restructured_text() -> None:
    loaded = load_restructured_text(SOURCE.encode())
    assert loaded.title == "Fees"
    texts = [(block.kind, block.text) for block in loaded.blocks]
    assert ("row", "Card: Gold; Fee: 5") in texts
    assert ("heading", "Rates") in texts
    assert any("per year" in text for _, text in texts)
    assert not any("root:" in text for _, text in texts)
