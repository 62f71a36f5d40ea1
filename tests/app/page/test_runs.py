"""Work goes on in threads, is shown as it comes, and ends when nobody wants it."""

import threading
import time

import pytest

from app.page.runs import Cancelled, Emit, Runs
from knowledge_base.errors import StorageError


def test_everything_emitted_arrives_in_order() -> None:
    def work(emit: Emit[int], cancelled: Cancelled) -> None:
        for number in range(100):
            emit(number)

    batches = list(Runs().run("me", work))
    assert [number for batch in batches for number in batch] == list(range(100))
    assert len(batches) < 100


def test_what_is_ready_is_shown_before_the_end() -> None:
    go_on = threading.Event()

    def work(emit: Emit[str], cancelled: Cancelled) -> None:
        emit("first")
        go_on.wait(5)
        emit("last")

    run = Runs().run("me", work)
    assert next(run) == ["first"]
    go_on.set()
    assert list(run) == [["last"]]


def test_stop_ends_at_once_even_if_the_work_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()
    end = threading.Event()

    def work(emit: Emit[int], cancelled: Cancelled) -> None:
        emit(1)
        end.wait(10)

    run = runs.run("me", work)
    assert next(run) == [1]
    runs.stop("me")
    began = time.monotonic()
    assert list(run) == []
    assert time.monotonic() - began < 1
    assert runs.active == 0
    end.set()


def test_stop_reaches_the_work_of_its_session_only() -> None:
    runs = Runs()
    seen: dict[str, Cancelled] = {}

    def started(name: str) -> None:
        def work(emit: Emit[int], cancelled: Cancelled) -> None:
            seen[name] = cancelled
            emit(1)
            while not cancelled():
                time.sleep(0.01)

        run = runs.run(name, work)
        next(run)
        kept.append(run)

    kept: list[object] = []
    started("one")
    started("two")
    runs.stop("one")
    assert seen["one"]()
    assert not seen["two"]()
    runs.close()
    assert seen["two"]()


def test_closing_the_iterator_stops_the_work() -> None:
    seen: list[Cancelled] = []

    def work(emit: Emit[int], cancelled: Cancelled) -> None:
        seen.append(cancelled)
        emit(1)

    run = Runs().run("me", work)
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert seen[0]()


def test_an_error_of_the_work_comes_after_what_it_emitted() -> None:
    def work(emit: Emit[int], cancelled: Cancelled) -> None:
        emit(1)
        raise StorageError("The disk is full.", "Free some space.")

    run = Runs().run("me", work)
    assert next(run) == [1]
    with pytest.raises(StorageError, match="full"):
        next(run)
