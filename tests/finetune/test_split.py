"""Pairs are divided by document, the same for a seed, and nothing held out is near to what is trained on."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.pairs.formats import read_pairs
from finetune.pairs.near_duplicates import NEAR, NearDuplicates
from finetune.pairs.values import Evidence, Pair, SplitName
from finetune.report.words import sentence_of
from finetune.split import Split, split_pairs
from knowledge_base.errors import InputError

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "pairs"
NAMES = [
    "amber",
    "birch",
    "cedar",
    "daisy",
    "elder",
    "fern",
    "ginkgo",
    "hazel",
    "ivy",
    "juniper",
    "kale",
    "lotus",
]


def a_pair(number: int, question: str = "", *documents: str, split: SplitName = "", quote: str = "") -> Pair:
    asked = question or f"What does the {NAMES[number % 12]} {NAMES[number // 12]} plan cost?"
    evidence = tuple(Evidence(document, quote) for document in documents)
    return Pair(str(number), asked, ("5",) if documents else (), "", evidence, split, "p.jsonl")


def by_documents(documents: int, each: int = 3) -> list[Pair]:
    return [a_pair(number, "", f"{number // each}.md") for number in range(documents * each)]


def ids(pairs: tuple[Pair, ...]) -> list[str]:
    return [pair.id for pair in pairs]


def documents_of(pairs: tuple[Pair, ...]) -> set[str]:
    return {entry.document for pair in pairs for entry in pair.evidence}


def samples() -> list[Pair]:
    return [pair for name in ("en", "zh") for pair in read_pairs(SAMPLES / f"{name}.jsonl").pairs]


def test_the_samples_stay_as_they_are_divided() -> None:
    pairs = samples()
    found = split_pairs(pairs, 0.2, 0)
    assert found.removed == ()
    assert found.train == tuple(pair for pair in pairs if pair.split == "train")
    assert found.test == tuple(pair for pair in pairs if pair.split == "test")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_samples_can_be_divided_again(seed: int) -> None:
    pairs = [replace(pair, split="") for pair in samples()]
    found = split_pairs(pairs, 0.25, seed)
    assert not documents_of(found.train) & documents_of(found.test)
    assert 0.2 * len(pairs) < len(found.test) < 0.3 * len(pairs)
    assert {pair.answerable for pair in found.test} == {True, False}
    assert {pair.id[:2] for pair in found.test} == {"en", "zh"}
    assert len(found.train) + len(found.test) + len(found.removed) == len(pairs)


@st.composite
def some_pairs(draw: st.DrawFn) -> list[Pair]:
    parts: list[SplitName] = ["", "", "", "train", "test"]
    count = draw(st.integers(2, 14))
    return [
        a_pair(
            number,
            draw(st.sampled_from(["", "", "What is the gold fee?", "the gold fee", "gold fee 2026"])),
            *draw(st.lists(st.sampled_from("abcdefgh"), max_size=2, unique=True)),
            split=draw(st.sampled_from(parts)),
        )
        for number in range(count)
    ]


def split_or_error(pairs: list[Pair], share: float, seed: int) -> Split | str:
    try:
        return split_pairs(pairs, share, seed)
    except InputError as error:
        return error.cause


@given(some_pairs(), st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.integers(0, 3))
def test_no_document_and_no_near_duplicate_is_on_both_sides(
    pairs: list[Pair], share: float, seed: int
) -> None:
    found = split_or_error(pairs, share, seed)
    if isinstance(found, str):
        assert "nothing to" in found
        return
    assert found.train
    assert found.test
    assert not documents_of(found.train) & documents_of(found.test)
    heldout = NearDuplicates([pair.question for pair in found.test], NEAR)
    assert [pair for pair in found.train if heldout.near(pair.question)] == []
    everyone = [*ids(found.train), *ids(found.test), *(entry.id for entry in found.removed)]
    assert sorted(everyone, key=int) == [pair.id for pair in pairs]
    assert {pair.split for pair in found.train} == {"train"}
    assert {pair.split for pair in found.test} == {"test"}
    given_parts = {pair.id: pair.split for pair in pairs if pair.split}
    assert all(given_parts.get(pair.id, pair.split) == pair.split for pair in (*found.train, *found.test))
    assert all(given_parts.get(entry.id) != "test" and entry.reason for entry in found.removed)


@given(some_pairs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_does_not_matter(pairs: list[Pair], seed: int, random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = split_or_error(pairs, 0.3, seed), split_or_error(shuffled, 0.3, seed)
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert sorted(ids(one.train)) == sorted(ids(other.train))
    assert sorted(ids(one.test)) == sorted(ids(other.test))


def test_a_seed_decides_and_another_one_decides_otherwise() -> None:
    pairs = by_documents(12)
    held = [ids(split_pairs(pairs, 0.25, seed).test) for seed in (0, 0, 1, 2)]
    assert held[0] == held[1]
    assert len({tuple(group) for group in held}) == 3
    assert {len(group) for group in held} == {9}


def test_pairs_of_several_documents_bind_these_together() -> None:
    pairs = [*by_documents(6), a_pair(30, "", "0.md", "1.md"), a_pair(31, "", "1.md", "2.md")]
    for seed in range(5):
        heldout = documents_of(split_pairs(pairs, 0.3, seed).test)
        assert len(heldout & {"0.md", "1.md", "2.md"}) in (0, 3)


def test_unanswerable_pairs_are_on_both_sides() -> None:
    pairs = [*by_documents(6), *(a_pair(number) for number in range(40, 60))]
    found = split_pairs(pairs, 0.25, 0)
    assert sum(not pair.answerable for pair in found.test) == 5


def test_what_is_given_holds_and_draws_the_others_of_its_document() -> None:
    pairs = [
        a_pair(0, "", "a.md", split="test"),
        a_pair(1, "", "a.md"),
        a_pair(2, "", "b.md", split="train"),
        a_pair(3, "", "b.md"),
    ]
    found = split_pairs(pairs, 0.5, 0)
    assert (ids(found.test), ids(found.train), found.removed) == (["0", "1"], ["2", "3"], ())


def test_what_is_too_near_to_a_held_out_pair_is_removed_with_its_reason() -> None:
    statement = (
        "Customers who make 18 purchases within the year 2026 pay no annual fee for their platinum card."
    )
    pairs = [
        a_pair(0, "What is the fee of the gold card?", "a.md", split="test"),
        a_pair(1, "", "a.md", split="train"),
        a_pair(2, "the gold card's fee?", "b.md", split="train"),
        a_pair(3, "Is there a way to save it?", "c.md", split="train", quote=statement),
        a_pair(
            4, "How many purchases?", "d.md", split="test", quote=statement.replace("Customers", "People")
        ),
        a_pair(5, "How many days?", "e.md", split="train", quote="18 days"),
        a_pair(6, "How many weeks?", "f.md", split="test", quote="18 days"),
    ]
    found = split_pairs(pairs, 0.5, 0)
    assert ids(found.train) == ["5"]
    assert [(entry.id, sentence_of(entry.reason)) for entry in found.removed] == [
        ("1", "shares a document with the test pair 0"),
        ("2", "asks nearly the same as the test pair 0"),
        ("3", "quotes nearly the same as the test pair 4"),
    ]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_two_documents_are_enough_for_both_parts(share: float) -> None:
    found = split_pairs(by_documents(2), share, 0)
    assert (len(found.train), len(found.test)) == (3, 3)


@pytest.mark.parametrize(
    ("pairs", "cause"),
    [
        ([], "There are too few pairs to train on some and measure with others: 0."),
        (by_documents(1, 1), "There are too few pairs to train on some and measure with others: 1."),
        (by_documents(1, 5), "There is nothing to train on: all pairs belong to one document"),
        ([a_pair(0, "fee?"), a_pair(1, "the fee")], "There is nothing to train on: all pairs belong to one"),
        ([a_pair(n, "", f"{n}", split="train") for n in range(3)], "There is nothing to test with"),
        ([a_pair(n, "", f"{n}", split="test") for n in range(3)], "There is nothing to train on"),
        (
            [a_pair(0, "Fee?", "a", split="train"), a_pair(1, "fee", "b", split="test")],
            "There is nothing to train on: all 1 training pairs nearly repeat test pairs.",
        ),
    ],
)
def test_too_little_for_both_parts_is_one_clear_error(pairs: list[Pair], cause: str) -> None:
    with pytest.raises(InputError) as raised:
        split_pairs(pairs, 0.2, 0)
    assert cause in raised.value.cause
    assert raised.value.remedy


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="The share of test pairs is"):
        split_pairs(by_documents(3), share, 0)
