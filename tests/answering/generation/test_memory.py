"""What other threads have freed goes back to the system."""

import platform
import threading

import psutil
import pytest
import torch

from answering.generation.kv_cache import Prefix, PrefixCache
from knowledge_base.memory import release_memory

FLOATS = 25_000  # 100 kB: below the size that the C library takes from the system one by one
COUNT = 2000


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not in CI: the C library is not glibc")
def test_memory_that_another_thread_has_freed_is_given_back() -> None:
    kept: list[torch.Tensor] = []

    def fill_and_free() -> None:
        tensors = [torch.ones(FLOATS) for _ in range(COUNT)]
        kept.append(tensors[-1])  # what lies at the end keeps everything before it from going by itself

    thread = threading.Thread(target=fill_and_free)
    thread.start()
    thread.join()
    before = resident()
    release_memory()
    assert resident() < before - 4 * FLOATS * COUNT / 2


def test_a_full_cache_gives_back_what_it_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr("answering.generation.kv_cache.release_memory", lambda: calls.append(None))
    cache = PrefixCache(60)
    layers = ((torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)),)
    for number in range(3):  # 32 bytes each
        cache.put("", Prefix((number,), layers, torch.zeros(6)))
        assert len(calls) == number
