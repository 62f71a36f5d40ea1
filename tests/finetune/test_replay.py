"""Plain text beside the replies: pieces of a text's own words, as many as asked for, decided by the seed."""

from finetune.replay import replay_samples
from tests.fakes import FakeGenerator

TEXTS = (
    "The vault opens at nine and closes when the last customer has left the hall. " * 20,
    "金库九点开门。" * 40,
)
count = FakeGenerator().count_tokens


def test_pieces_stand_in_the_texts_and_are_samples_without_messages() -> None:
    samples = replay_samples(TEXTS, 30, count, seed=3)
    assert len(samples) == 30
    assert all(any(sample.reply in text for text in TEXTS) for sample in samples)
    assert any("金库" in sample.reply for sample in samples)
    assert {(sample.messages, sample.pair, sample.kind) for sample in samples} == {((), "", "text")}


def test_a_piece_is_about_as_long_as_a_reply_and_begins_with_a_whole_word() -> None:
    words = set(TEXTS[0].split())
    for sample in replay_samples(TEXTS[:1], 30, count, seed=3):
        assert 12 <= count([sample.reply])[0] <= 36
        assert sample.reply.split()[0] in words


def test_the_seed_decides() -> None:
    assert replay_samples(TEXTS, 9, count, seed=3) == replay_samples(TEXTS, 9, count, seed=3)
    assert replay_samples(TEXTS, 9, count, seed=3) != replay_samples(TEXTS, 9, count, seed=4)


def test_where_there_is_no_text_there_is_nothing_to_learn() -> None:
    assert replay_samples((), 9, count, seed=0) == []
    assert replay_samples((" \n",), 9, count, seed=0) == []
    assert replay_samples(TEXTS, 0, count, seed=0) == []
