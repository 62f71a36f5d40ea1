"""Where the home folder is, and what its settings come from; without any library, so it costs no time."""

import hashlib
import os
from pathlib import Path

PREFIX = "DOMAINQA_"
# Settings that say how a server is reached and guarded: commands give the same results under any of them.
_OF_SERVERS = frozenset({
    *("home", "host", "port", "access", "allowed_hosts", "requests_per_minute", "max_request_megabytes"),
    *("max_waiting_megabytes", "trusted_proxies", "log_requests", "max_waiting", "answer_seconds"),
    *("stop_seconds",),
    "use_server",
})  # fmt: skip


def absolute(path: Path) -> Path:
    """The path from the root, "~" resolved."""
    return path.expanduser().absolute()


def default_home() -> Path:
    """The home folder where none is named."""
    return Path.home() / ".local" / "share" / "domainqa"


def home_of(given: Path | str | None) -> Path:
    """The home folder: that of the command line, else that of the environment, else the default."""
    return absolute(Path(str(given or os.environ.get(PREFIX + "HOME") or default_home())))


def settings_file(home: Path) -> Path:
    """The settings file of a home folder; it need not exist."""
    return absolute(home) / "settings.toml"


def in_environment() -> dict[str, str]:
    """Settings in the environment, by their names in lower case."""
    found = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    return {name.removeprefix(PREFIX).lower(): found[name] for name in sorted(found)}


def settings_digest(home: Path) -> str:
    """A SHA-256 of all that the settings of this process come from, as far as results depend on it."""
    given = {name: value for name, value in in_environment().items() if name not in _OF_SERVERS}
    try:
        file = settings_file(home).read_bytes()
    except OSError:
        file = b""
    return hashlib.sha256(repr(given).encode() + file).hexdigest()
