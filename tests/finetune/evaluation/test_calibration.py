"""When to refuse: fitted on passages, decided on questions, measured on documents that were not seen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics  # noqa: F401 - takes a second to load, which no example should pay for
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.calibration import Read, choose_reading, curve, fit
from knowledge_base.errors import InputError

NAMES = ("certainty", "cosine")


def some_reads(documents: int = 60, gap: float = 2.0, seed: int = 0, passages: int = 4) -> list[Read]:
    """Each document is asked about twice, with and without its passage; a right one has higher signals."""
    draw = np.random.default_rng(seed)
    reads = []
    for number in range(documents):
        for answerable in (True, False):
            right = [answerable and place == 1 for place in range(passages)]
            signals = tuple(
                {
                    "certainty": float(draw.normal(gap * hit)),
                    "cosine": float(draw.normal(0.8 + gap * hit / 20, 0.1)),
                }
                for hit in right
            )
            reads.append(Read(f"{number}.txt", signals, tuple(right), answerable))
    return reads


def test_a_right_passage_gets_the_higher_probability() -> None:
    fitted = fit(some_reads(), NAMES)
    assert set(fitted.calibration.weights) == set(NAMES)
    assert all(weight > 0 for weight in fitted.calibration.weights.values())
    assert 0 < fitted.calibration.threshold < 1
    assert sum(entry.chose_right for entry in fitted.held_out if entry.answerable) > 40


def test_no_more_answerable_questions_are_refused_than_allowed_and_on_new_documents_about_as_many() -> None:
    fitted = fit(some_reads(200), NAMES, 0.1)
    held = [entry.confidence for entry in fitted.held_out if entry.answerable]
    assert np.mean(np.array(held) < fitted.calibration.threshold) == pytest.approx(0.1, abs=0.006)
    fresh = [
        max(fitted.calibration.probability(entry) for entry in read.signals)
        for read in some_reads(400, seed=9)
        if read.answerable
    ]
    assert np.mean(np.array(fresh) < fitted.calibration.threshold) == pytest.approx(0.1, abs=0.05)


def test_reading_stops_where_no_right_passage_is_lost_by_it() -> None:
    """The right passage stands behind one that looks half as good: being half sure must not be enough."""
    draw = np.random.default_rng(2)
    reads = [
        Read(
            f"{number}.txt",
            tuple({"certainty": value + float(draw.normal(0, 0.1))} for value in values),
            (False, values[1] > 0, False),
            values[1] > 0,
        )
        for number in range(600)
        for values in ((2.0, 4.0, 1.0), (0.0, 0.0, 0.0))
    ]
    fitted = fit(reads, ["certainty"])
    half, whole = (fitted.calibration.probability({"certainty": c}) for c in (2.4, 4.4))
    assert fitted.calibration.threshold <= fitted.calibration.sure
    assert half < fitted.calibration.sure <= whole
    assert all(entry.chose_right for entry in fitted.held_out if entry.answerable)


def test_the_threshold_is_not_taken_from_what_was_fitted() -> None:
    """With as many signals of pure noise as questions, the fit is sure and the held-out truth is chance."""
    draw = np.random.default_rng(5)
    names = [f"n{i}" for i in range(30)]
    reads = [
        Read(
            f"{number}",
            ({name: float(draw.normal()) for name in names},),
            (bool(number % 2),),
            bool(number % 2),
        )
        for number in range(40)
    ]
    fitted = fit(reads, names)
    yes = [entry.confidence for entry in fitted.held_out if entry.answerable]
    no = [entry.confidence for entry in fitted.held_out if not entry.answerable]
    assert curve(yes, no).area < 0.8


def test_noise_is_held_down_by_a_stronger_penalty_than_signal() -> None:
    draw = np.random.default_rng(1)
    noisy = [
        replace(
            read,
            signals=tuple({**s, **{f"n{i}": float(draw.normal()) for i in range(30)}} for s in read.signals),
        )
        for read in some_reads(25)
    ]
    names = (*NAMES, *(f"n{i}" for i in range(30)))
    assert fit(noisy, names).strength < 100.0


def test_the_order_of_the_reads_does_not_matter() -> None:
    reads = some_reads(20)
    there, back = fit(reads, NAMES), fit(reads[::-1], NAMES)
    assert back.calibration.threshold == pytest.approx(there.calibration.threshold, abs=1e-3)
    assert dict(back.calibration.weights) == pytest.approx(dict(there.calibration.weights), abs=1e-3)
    assert [entry.answerable for entry in back.held_out] == [entry.answerable for entry in there.held_out][
        ::-1
    ]


def test_a_signal_that_never_changes_has_no_weight() -> None:
    reads = [replace(r, signals=tuple({**s, "same": 3.0} for s in r.signals)) for r in some_reads(20)]
    assert fit(reads, (*NAMES, "same")).calibration.weights["same"] == 0.0


def test_a_question_for_which_nothing_was_read_has_no_confidence() -> None:
    fitted = fit([*some_reads(20), Read("new.txt", (), (), False)], NAMES)
    assert fitted.held_out[-1].confidence == 0.0
    assert not fitted.held_out[-1].chose_right


def test_the_threshold_that_refuses_nobody_is_the_least_confidence() -> None:
    fitted = fit(some_reads(15), NAMES, 0.0)
    held = [entry.confidence for entry in fitted.held_out if entry.answerable]
    assert fitted.calibration.threshold <= min(held) < fitted.calibration.threshold + 2e-5


@pytest.mark.parametrize(
    "reads",
    [
        [],
        some_reads(1),
        [read for read in some_reads(10) if read.answerable],
        [read for read in some_reads(10) if not read.answerable],
    ],
)
def test_too_few_or_too_alike_reads_are_refused(reads: Sequence[Read]) -> None:
    with pytest.raises(InputError, match="too few"):
        fit(reads, NAMES)


@pytest.mark.parametrize(
    "read",
    [
        Read("a", ({"certainty": 1.0, "cosine": 1.0},), (True, False), True),
        Read("a", ({"certainty": 1.0, "cosine": 1.0},), (True,), False),
    ],
)
def test_a_read_that_contradicts_itself_is_refused(read: Read) -> None:
    with pytest.raises(InputError, match="contradicts"):
        fit([*some_reads(5), read], NAMES)


def test_a_signal_that_is_no_number_is_refused() -> None:
    broken = Read("a", ({"certainty": float("nan"), "cosine": 1.0},), (True,), True)
    with pytest.raises(InputError, match="not a number"):
        fit([*some_reads(5), broken], NAMES)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_wrong_refusals_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        fit(some_reads(10), NAMES, share)


def test_a_curve_by_hand() -> None:
    found = curve([0.9, 0.6], [0.2, 0.7])
    assert [(point.wrong, point.right) for point in found.points] == [
        (0.0, 0.0),
        (0.0, 0.5),
        (0.5, 0.5),
        (0.5, 1.0),
        (1.0, 1.0),
    ]
    assert found.area == 0.75
    assert found.right_at(0.0) == 0.5
    assert found.right_at(0.5) == 1.0


confidences = st.lists(st.floats(0, 1), min_size=1, max_size=25)


@given(confidences, confidences)
def test_a_curve_rises_from_nothing_to_everything(yes: list[float], no: list[float]) -> None:
    found = curve(yes, no)
    wrong = [point.wrong for point in found.points]
    right = [point.right for point in found.points]
    assert wrong == sorted(wrong)
    assert right == sorted(right)
    assert (wrong[0], right[0], wrong[-1], right[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert found.area + curve(no, yes).area == pytest.approx(1.0)


@given(confidences, confidences)
def test_a_point_is_what_its_threshold_does(yes: list[float], no: list[float]) -> None:
    for point in curve(yes, no).points:
        assert point.wrong == pytest.approx(np.mean([value < point.threshold for value in yes]))
        assert point.right == pytest.approx(np.mean([value < point.threshold for value in no]))


@pytest.mark.parametrize(("yes", "no"), [([], [0.5]), ([0.5], [])])
def test_a_curve_needs_both_kinds(yes: list[float], no: list[float]) -> None:
    with pytest.raises(InputError, match="with and without"):
        curve(yes, no)


def test_the_better_way_of_reading_is_chosen_with_its_gain() -> None:
    draw = np.random.default_rng(0)
    each = draw.random(80)
    together = each - 0.05 - 0.1 * draw.random(80)
    chosen = choose_reading({"together": together.tolist(), "each": each.tolist()})
    assert (chosen.way, chosen.second) == ("each", "together")
    assert 0 < chosen.gain.low <= chosen.gain.mean <= chosen.gain.high


def test_among_equals_the_one_named_first_is_chosen() -> None:
    chosen = choose_reading({"each": [0.5, 1.0], "together": [1.0, 0.5]})
    assert chosen.way == "each"
    assert chosen.gain.mean == 0.0


def test_a_later_way_is_not_chosen_for_a_gain_by_chance() -> None:
    chosen = choose_reading({"each": [0.5] * 20, "together": [0.5] * 18 + [1.0, 0.2]})
    assert (chosen.way, chosen.second) == ("each", "together")
    assert chosen.gain.mean < 0


def test_no_choice_and_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="only one reading mode"):
        choose_reading({"each": [0.5]})
    with pytest.raises(InputError, match="paired"):
        choose_reading({"each": [0.5], "together": [0.5, 0.5]})
    with pytest.raises(InputError, match="mean"):
        choose_reading({"each": [], "together": []})
