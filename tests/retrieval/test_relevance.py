"""The model that reads a question and lines together: what it reads, and what it says of plain cases."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.factories import model_folder
from app.settings import load_settings
from retrieval.e5 import E5_SMALL
from retrieval.embedder import SentenceTransformerEmbedder
from retrieval.relevance import LINE_TOKENS, QUESTION_TOKENS, WINDOW_TOKENS, RelevanceModel, Window, encoded

BEGIN, END = 0, 2


def by_word(texts: Sequence[str]) -> list[list[int]]:
    """A number above 9 for each word, between begin and end."""
    return [[BEGIN, *(10 + len(word) for word in text.split()), END] for text in texts]


def test_question_heading_and_lines_stand_one_behind_the_other() -> None:
    ids, spans = encoded("a bb", Window("ccc", ("dddd", "e f")), by_word)
    assert ids == [BEGIN, 11, 12, END, 13, END, 14, END, 11, 11, END]
    assert [ids[start:end] for start, end in spans] == [[14, END], [11, 11, END]]


def test_what_is_too_long_is_cut_and_what_has_no_room_is_left_out() -> None:
    long = "w " * 500
    ids, spans = encoded(long, Window("h", (long,) * 9), by_word)
    assert ids.index(END) == 1 + QUESTION_TOKENS
    assert [end - start for start, end in spans] == [LINE_TOKENS + 1] * 2
    assert len(ids) <= WINDOW_TOKENS


@pytest.fixture(scope="module")
def model() -> RelevanceModel:
    folder = model_folder(E5_SMALL.name, load_settings({}).models_cache)
    return RelevanceModel(folder, SentenceTransformerEmbedder(folder, id=E5_SMALL.name).tokenize)


@pytest.mark.models
@pytest.mark.parametrize(
    ("question", "window", "place"),
    [
        (
            "i forgot my umbrella in the concert hall, where can i get it back",
            Window(
                "Visiting › Cloakroom",
                (
                    "Umbrellas and large bags must be left at the cloakroom.",
                    "The cloakroom costs two euros for each item.",
                    "Things left behind are kept for a month at the porter's lodge.",
                ),
            ),
            2,
        ),
        (
            "孩子坐船要买票吗",
            Window(
                "游船须知 › 票价",
                ("成人票：每位60元。", "身高1.2米以下儿童免票，须由成人陪同。", "船票售出后不退不换。"),
            ),
            1,
        ),
    ],
)
def test_the_line_that_answers_is_likelier_than_its_neighbours(
    model: RelevanceModel, question: str, window: Window, place: int
) -> None:
    (odds,) = model(question, [window])
    assert odds.argmax() == place


@pytest.mark.models
def test_a_window_is_judged_alike_beside_others_and_lines_without_room_are_ruled_out(
    model: RelevanceModel,
) -> None:
    one = Window("Tickets", ("A day ticket costs nine euros.", "Children travel free."))
    long = Window("Rules", ("The rules are long and say the same again and again. " * 30,) * 4)
    (alone,), (beside, cut) = (
        model("price of a day ticket", [one]),
        model("price of a day ticket", [one, long]),
    )
    np.testing.assert_allclose(alone, beside, atol=1e-3)
    assert cut[0] > -np.inf
    assert cut[-1] == -np.inf
