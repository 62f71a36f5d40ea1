"""A server tells the commands of its home where it is: its address, and a token that only its owner can read.

Each server holds a lock on its own file in the folder `servers` of the home. The lock ends with its process,
and a copy of the file does not have it: an announcement without its lock is stale. The libraries that this
needs are few and small, because a command that a server answers should take no time of its own.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from app.home import settings_digest

FOLDER = "servers"
LINES = "application/x-domainqa-lines"  # the media type of what a server answers to commands
_SUFFIX = ".json"
_OTHERS = 0o077  # the bits of a file's mode that give rights to group and others


@dataclass(frozen=True, slots=True)
class Usual:
    """What commands take from the settings before they ask."""

    collection: str
    locale: str
    max_question_chars: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """How a server is reached by the commands of its owner on its machine.

    `settings` is the digest of what its settings came from, `machine` tells machines and containers apart.
    """

    host: str
    port: int
    token: str = field(repr=False)
    usual: Usual
    settings: str
    process: int = field(default_factory=os.getpid)
    version: str = field(default_factory=lambda: version("domainqa"))
    machine: str = field(default_factory=lambda: _machine())  # noqa: PLW0108 - it stands below


class Announcer:
    """The announcement of one server; `token` is new for each."""

    def __init__(self, home: Path) -> None:
        self.token = secrets.token_urlsafe(32)
        self._home = home
        self._file = home / FOLDER / f"{secrets.token_hex(8)}{_SUFFIX}"
        self._held: IO[str] | None = None

    def announce(self, host: str, port: int, usual: Usual) -> None:
        """Write the announcement, readable for the owner only, and remove those of servers that have ended.

        Raises OSError where files cannot be written, locked, or kept from others.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, opened in _opened(self._home):
            if opened and _is_stale(opened, _body(opened)):
                with suppress(OSError):
                    file.unlink(missing_ok=True)
        made = Announcement(host, port, self.token, usual, settings_digest(self._home))
        unseen = self._file.with_suffix(".new")
        descriptor = os.open(unseen, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._held = os.fdopen(descriptor, "w", encoding="utf-8")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_mode & _OTHERS:
                raise PermissionError(f"Other users could read {unseen}.")
            json.dump(asdict(made), self._held)
            self._held.flush()
            unseen.replace(self._file)
        except BaseException:
            unseen.unlink(missing_ok=True)
            raise

    def withdraw(self) -> None:
        """Remove the announcement; commands work in their own process from now on."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
        if self._held:
            self._held.close()
            self._held = None


def find_server(home: Path) -> Announcement | str | None:
    """The server that commands of this process can use; else why those that there are cannot be, or None."""
    reasons = []
    for file, opened in _opened(home):
        body = _body(opened) if opened else {}
        reason = _foreign(file, opened, body) or _unlike(body, home)
        if not reason:
            return Announcement(**{**body, "usual": Usual(**body["usual"])})
        reasons.append(reason)
    return reasons[0] if reasons else None


def _foreign(file: Path, opened: IO[str] | None, body: Mapping[str, Any]) -> str:
    """Why an announcement is not that of a running server of this user; a stale one is removed."""
    if opened is None or os.fstat(opened.fileno()).st_uid != os.geteuid():
        return "it belongs to another user"
    if os.fstat(opened.fileno()).st_mode & _OTHERS:
        return f"other users can read {file}"
    if _is_elsewhere(body):
        return f"it was started on another machine or in a container; in a copy of that home, delete {file}"
    if _is_stale(opened, body):
        with suppress(OSError):
            file.unlink(missing_ok=True)
        return f"it has ended without notice (process {body.get('process')})"
    return ""


def _unlike(body: Mapping[str, Any], home: Path) -> str:
    """Why the results of a server would be others than those of this process."""
    ours = version("domainqa")
    if body.get("version") != ours:
        return f"it runs version {body.get('version')}, and this is {ours}; restart it"
    if body["settings"] != settings_digest(home):
        return "it was started with other settings (settings.toml, or DOMAINQA_ variables)"
    return ""


def _opened(home: Path) -> Iterator[tuple[Path, IO[str] | None]]:
    """Each announcement of a home with its open file, which is None if it may not be read."""
    folder = home / FOLDER
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield folder, None
        return
    for name in names:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        except OSError:
            yield folder / name, None
            continue
        with os.fdopen(descriptor, encoding="utf-8") as opened:
            yield folder / name, opened


def _body(opened: IO[str]) -> dict[str, Any]:
    """What an announcement says; nothing if it is damaged."""
    try:
        found = json.load(opened)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_stale(opened: IO[str], body: Mapping[str, Any]) -> bool:
    """Whether the server has ended; one of another machine has not, as far as can be seen from here."""
    if _is_elsewhere(body):
        return False
    try:
        fcntl.flock(opened.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_elsewhere(body: Mapping[str, Any]) -> bool:
    return bool(body.get("machine", _machine()) != _machine())


def _machine() -> str:
    """This machine since it was started, and this container: what an address on loopback belongs to."""
    try:
        booted = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{booted} {os.readlink('/proc/self/ns/net')}"
    except OSError:
        return os.uname().nodename
