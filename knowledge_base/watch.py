"""Keep going: something is done again whenever a folder has changed."""

import threading
from collections.abc import Callable
from pathlib import Path

import watchfiles

from knowledge_base.errors import InputError
from knowledge_base.scan import is_passed_over

_QUIET_MILLISECONDS = 500  # so long nothing may change before a burst of changes is over …
_LONGEST_BURST_MILLISECONDS = 5_000  # … but no longer than this is waited for that
_PATIENCE_MILLISECONDS = 1_000


def watch(folder: Path, on_change: Callable[[], None], stop: threading.Event) -> None:
    """Call `on_change` once watching has begun, then after every burst of changes, until `stop` is set.

    The first call makes sure that nothing is missed which changed before watching began. Changes during a
    call are gathered and lead to the next one. Hidden files and lock files do not count.

    Raises:
        InputError: the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist.", "Check the path.")
    root = folder.resolve()

    def counts(_: watchfiles.Change, path: str) -> bool:
        return not any(is_passed_over(part) for part in Path(path).relative_to(root).parts)

    changes = watchfiles.watch(
        root,
        watch_filter=counts,
        debounce=_LONGEST_BURST_MILLISECONDS,
        step=_QUIET_MILLISECONDS,
        stop_event=stop,
        rust_timeout=_PATIENCE_MILLISECONDS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    begun = False
    for burst in changes:
        if burst or not begun:
            begun = True
            on_change()
