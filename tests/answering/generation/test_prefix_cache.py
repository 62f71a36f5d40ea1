"""Prompts read lately: the longest shared beginning is found, versions are kept apart, memory is bounded."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from answering.generation.kv_cache import Prefix, PrefixCache, common_length, continue_from, views

IDS = st.lists(st.integers(0, 2), max_size=8).map(tuple)


def prefix(*ids: int) -> Prefix:
    """Keys of eight bytes a token, 40 bytes in all for two tokens with the logits."""
    return Prefix(ids, ((torch.zeros(1, 1, len(ids), 1), torch.zeros(1, 1, len(ids), 1)),), torch.zeros(6))


@given(IDS, IDS)
def test_the_common_length_is_the_longest_shared_beginning(
    left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    length = common_length(left, right)
    assert left[:length] == right[:length]
    assert left[: length + 1] != right[: length + 1] or length == min(len(left), len(right))


@given(st.lists(IDS, max_size=6), IDS)
def test_the_entry_found_shares_as_much_as_any(
    stored: list[tuple[int, ...]], wanted: tuple[int, ...]
) -> None:
    cache = PrefixCache(10**6)
    for ids in stored:
        cache.put("", prefix(*ids))
    found, shared = cache.longest("", wanted)
    assert shared == max((common_length(ids, wanted) for ids in stored), default=0)
    assert (found is None) == (shared == 0)


def test_versions_of_adapters_share_nothing_and_are_forgotten_alone() -> None:
    cache = PrefixCache(10**6)
    cache.put("bank@1", prefix(1, 2))
    cache.put("", prefix(1, 2))
    assert cache.longest("bank@2", (1, 2)) == (None, 0)
    cache.forget("bank@1")
    assert cache.longest("bank@1", (1, 2)) == (None, 0)
    assert cache.longest("", (1, 2))[1] == 2


def test_a_longer_prompt_replaces_its_own_beginning() -> None:
    cache = PrefixCache(10**6)
    cache.put("", prefix(1, 2))
    cache.put("", prefix(1, 2, 3))
    assert cache.size == prefix(1, 2, 3).size


def test_the_least_recently_used_leaves_first() -> None:
    cache = PrefixCache(2 * prefix(1, 2).size)
    cache.put("", prefix(1, 2))
    cache.put("", prefix(2, 3))
    cache.longest("", (1, 2))
    cache.put("", prefix(0, 4))
    assert [cache.longest("", ids)[1] for ids in ((1, 2), (2, 3), (0, 4))] == [2, 0, 2]


def test_what_is_larger_than_the_memory_is_not_kept() -> None:
    cache = PrefixCache(prefix(1).size - 1)
    cache.put("", prefix(1))
    assert cache.size == 0


def test_a_cache_that_continues_leaves_the_stored_beginning_alone() -> None:
    first = continue_from((), 0)
    first.update(torch.ones(1, 1, 3, 2), torch.ones(1, 1, 3, 2), 0)
    stored = views(first)
    for number in range(400):
        first.update(torch.full((1, 1, 1, 2), 5.0 + number), torch.full((1, 1, 1, 2), 5.0), 0)
    second = continue_from(stored, 2)
    second.update(torch.full((1, 1, 1, 2), 9.0), torch.full((1, 1, 1, 2), 9.0), 0)
    assert first.get_seq_length() == 403
    assert second.get_seq_length() == 3
    assert torch.equal(stored[0][0], torch.ones(1, 1, 3, 2))
    keys = views(first)[0][0][0, 0, :, 0]
    assert keys.tolist() == [1.0] * 3 + [5.0 + number for number in range(400)]
    assert views(second)[0][0][0, 0, :, 0].tolist() == [1.0, 1.0, 9.0]
