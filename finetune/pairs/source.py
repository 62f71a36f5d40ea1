"""The text of a file of pairs, in whatever encoding it is, also where its lines are of two."""

from pathlib import Path

from knowledge_base.errors import InputError, LoadError
from knowledge_base.loaders.encoding import decode

MAX_BYTES = 256_000_000
_BEYOND_TWO_BYTES = 0x800
_MOSTLY = 0.5


def read_text(path: Path) -> str:
    r"""The text of a file with "\n" for newlines; what cannot be read is U+FFFD.

    Where some lines are UTF-8 and others are not, as happens when files are put together, each line is
    decoded by itself.

    Raises:
        InputError: there is no such file, it cannot be opened, is empty, larger than MAX_BYTES or not text.
    """
    data = _read(path)
    try:
        text = (_line_by_line(data) if _is_mixed(data) else decode(data)).removeprefix("\ufeff")
    except LoadError as error:
        raise InputError(f"{path.name} is not text: {error.cause}", error.remedy) from error
    if not text.strip():
        raise InputError(f"{path.name} is empty.", "Give a file with at least one question and its answer.")
    return text


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path; give the files of a folder singly.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.", "Check its permissions.") from error
    if len(data) > MAX_BYTES:
        megabytes = MAX_BYTES // 1_000_000
        raise InputError(f"{path.name} is larger than {megabytes} MB.", "Divide it into several files.")
    return data


def _is_mixed(data: bytes) -> bool:
    """Whether some lines are UTF-8 and others cannot be: not by the chance by which GB18030 looks like it."""
    if 0 in data or _utf8(data) is not None:
        return False
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    texts = [text for line in lines if (text := _utf8(line)) is not None]
    by_chance = not any(ord(character) >= _BEYOND_TWO_BYTES for text in texts for character in text)
    return len(lines) > 1 and bool(texts) and (not by_chance or len(texts) > _MOSTLY * len(lines))


def _line_by_line(data: bytes) -> str:
    lines = []
    for line in data.split(b"\n"):
        text = _utf8(line)
        lines.append(_other(line) if text is None else text)
    return "\n".join(line.removesuffix("\r") for line in lines)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _other(line: bytes) -> str:
    try:
        return decode(line)
    except LoadError:
        return line.decode(errors="replace")
