"""The one tree of errors that domainqa raises on purpose.

DomainqaError
├── InputError          what was asked or given cannot be used as it stands
│   ├── SettingsError   settings that do not fit, all problems together
│   └── RemovalError    most documents of a folder are gone, which nobody has confirmed
├── NotFoundError       a collection, document, model or adapter that does not exist
├── LoadError           one file that cannot be read; the rest of the folder goes on
│   └── UnreadFormatError   … because its format is not read, or not on this machine
├── MismatchError       data made by another embedder, version or prompt
├── BusyError           somebody else holds what is needed
├── StorageError        the home folder or a backend cannot be read or written
├── ModelError          a model package or folder is missing, damaged or unsuitable
└── UnavailableError    a remote server does not answer

Every message names the cause and the repair, as `cause` and `remedy`. An exception of a library is
translated where it is met; what is not in this tree is a defect of ours and shows its traceback.
"""

import re

# Name and password in an address, https://li:secret@host/: no message shows them, whatever it quotes.
_PASSWORD = re.compile(r"(\w://)[^\s'\"<>]*@")


class DomainqaError(Exception):
    """A failure that the user can understand and mend.

    Args:
        cause: one sentence that says what is wrong, with the value that is wrong.
        remedy: one sentence that says what to do.
    """

    exit_code = 1

    def __init__(self, cause: str, remedy: str) -> None:
        cause, remedy = _PASSWORD.sub(r"\1***@", cause), _PASSWORD.sub(r"\1***@", remedy)
        super().__init__(f"{cause} {remedy}".strip())
        self.cause = cause
        self.remedy = remedy


class InputError(DomainqaError):
    """What was asked or given cannot be used as it stands."""

    exit_code = 3


class SettingsError(InputError):
    """Settings that do not fit; the message lists all problems together."""

    exit_code = 3


class ConflictError(InputError):
    """What is to be made is there already."""


class RemovalError(InputError):
    """Most documents of a folder are gone at once; `paths` are theirs."""

    exit_code = 12

    def __init__(self, cause: str, remedy: str, paths: tuple[str, ...]) -> None:
        super().__init__(cause, remedy)
        self.paths = paths


class NotFoundError(DomainqaError):
    """A collection, document, model or adapter that does not exist."""

    exit_code = 4


class LoadError(DomainqaError):
    """One file that cannot be read; reported, while the other files go on."""

    exit_code = 5


class UnreadFormatError(LoadError):
    """A file of a format that is not read, or not with these settings or on this machine."""


class MismatchError(DomainqaError):
    """Data made by another embedder, program version or prompt version."""

    exit_code = 6


class BusyError(DomainqaError):
    """Somebody else holds what is needed: a collection being written, a port in use."""

    exit_code = 7


class StorageError(DomainqaError):
    """The home folder or a backend cannot be read or written."""

    exit_code = 8


class ModelError(DomainqaError):
    """A model package or folder is missing, damaged or unsuitable."""

    exit_code = 9


class UnavailableError(DomainqaError):
    """A remote server does not answer or rejects the work."""

    exit_code = 10
