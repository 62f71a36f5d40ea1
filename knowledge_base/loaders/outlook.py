"""MSG, as Outlook saves messages: envelope, text and attachments. ([MS-OXMSG].)"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import olefile

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.mail import envelope_blocks
from knowledge_base.loaders.ole import open_compound, stream
from knowledge_base.loaders.parts import part_blocks
from knowledge_base.loaders.rtf import load_rtf
from knowledge_base.loaders.text import text_blocks
from knowledge_base.loaders.web import load_html
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

# Properties ([MS-OXPROPS]).
_SUBJECT, _SENDER, _ADDRESS, _SMTP, _TO, _CC = "0037", "0C1A", "0C1F", "5D01", "0E04", "0E03"
_BODY, _HTML, _COMPRESSED = "1000", "1013", "1009"
_DATA, _EMBEDDED, _LONG_NAME, _NAME = "3701", "3701000D", "3707", "3704"
_SENT, _DELIVERED, _CODE_PAGES = 0x0039, 0x0E06, (0x3FFD, 0x3FDE)
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_DEEPEST = 10
_PROPERTIES = "__properties_version1.0"
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}"
    b"{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def load_outlook(data: bytes) -> LoadedFile:
    """Read a message; LoadError if it is damaged."""
    notes: list[Note] = []
    with open_compound(data) as file:
        message = _Message(file, "")
        return collected(message.text(_SUBJECT), message.blocks(notes, 0), notes)


class _Message:
    """A message, or one within another: `folder` is the storage that holds it."""

    def __init__(self, file: olefile.OleFileIO, folder: str) -> None:
        self._file = file
        self._folder = folder
        self._numbers = self._fixed_properties(32 if not folder else 24)
        page = next((self._numbers[tag] for tag in _CODE_PAGES if self._numbers.get(tag)), 0) & 0xFFFF
        self._charset = {65001: "utf-8", 936: "gb18030", 54936: "gb18030"}.get(
            page, f"cp{page}" if page else ""
        )

    def text(self, tag: str) -> str:
        """A property that is text, on one line."""
        return on_one_line(self._string(tag))

    def blocks(self, notes: list[Note], depth: int) -> Iterator[Block]:
        """The envelope, the text, and what is attached."""
        sender, address = self.text(_SENDER), self.text(_SMTP) or self.text(_ADDRESS)
        if "@" in address and address != sender:
            sender = f"{sender} <{address}>".strip()
        attachments = list(self._attachments())
        fields = {"From": sender, "To": self.text(_TO).rstrip("\0"), "Cc": self.text(_CC).rstrip("\0")}
        fields |= {"Date": self._date(), "Subject": self.text(_SUBJECT)}
        fields["Attachments"] = ", ".join(filter(None, (self._name(folder) for folder in attachments)))
        yield from envelope_blocks(fields, self._body(notes), top=depth == 0)
        for folder in attachments:
            yield from self._attached(folder, notes, depth)

    def _body(self, notes: list[Note]) -> Iterator[Block]:
        html = self._binary(_HTML) or self._string(_HTML).encode()
        packed = self._binary(_COMPRESSED)
        loaded = None
        if html.strip():
            loaded = load_html(html)
        elif plain := self._string(_BODY):
            yield from text_blocks(plain.replace("\r\n", "\n"))
        elif packed:
            rtf = unpacked_rtf(packed)
            loaded = load_rtf(rtf) if rtf.startswith(b"{\\rtf") else None
        if loaded is not None:
            notes += loaded.notes
            yield from loaded.blocks

    def _attachments(self) -> Iterator[str]:
        prefix = f"{self._folder}__attach_version1.0_"
        folders = {"/".join(entry[: prefix.count("/") + 1]) for entry in self._file.listdir(storages=False)}
        yield from sorted(folder for folder in folders if folder.startswith(prefix))

    def _name(self, folder: str) -> str:
        attachment = _Message(self._file, f"{folder}/")
        return attachment.text(_LONG_NAME) or attachment.text(_NAME) or attachment.text("3001")

    def _attached(self, folder: str, notes: list[Note], depth: int) -> Iterator[Block]:
        name = self._name(folder)
        inner = f"{folder}/__substg1.0_{_EMBEDDED}/"
        if self._file.exists(inner + _PROPERTIES):
            if depth < _DEEPEST:
                yield from _Message(self._file, inner).blocks(notes, depth + 1)
            else:
                notes.append(Note("part_nested", name=name))
            return
        data = stream(self._file, f"{folder}/__substg1.0_{_DATA}0102")
        if data and name:
            yield from part_blocks(name, data, notes)

    def _string(self, tag: str) -> str:
        wide = stream(self._file, f"{self._folder}__substg1.0_{tag}001F")
        if wide:
            return wide.decode("utf-16-le", errors="replace").rstrip("\0")
        narrow = stream(self._file, f"{self._folder}__substg1.0_{tag}001E").rstrip(b"\0")
        try:
            return decode(narrow, self._charset) if narrow else ""
        except LoadError:
            return narrow.decode("cp1252", errors="replace")

    def _binary(self, tag: str) -> bytes:
        return stream(self._file, f"{self._folder}__substg1.0_{tag}0102")

    def _fixed_properties(self, begin: int) -> dict[int, int]:
        """Numbers and times by tag."""
        data = stream(self._file, self._folder + _PROPERTIES)
        found = {}
        for at in range(begin, len(data) - 15, 16):
            _, tag, _, value = struct.unpack_from("<HHIQ", data, at)
            found[tag] = value
        return found

    def _date(self) -> str:
        value = self._numbers.get(_SENT) or self._numbers.get(_DELIVERED)
        try:
            return (_EPOCH + timedelta(microseconds=value // 10)).strftime("%Y-%m-%d %H:%M") if value else ""
        except OverflowError:
            return ""


def unpacked_rtf(data: bytes) -> bytes:
    """RTF as Outlook compresses it ([MS-OXRTFCP] 2.2): pieces that were there before are named by place."""
    if len(data) < 16:  # noqa: PLR2004 - the header
        return b""
    size, raw_size, kind = struct.unpack_from("<II4s", data)
    if kind == b"MELA":
        return data[16 : 16 + raw_size]
    window = bytearray(_RTF_START.ljust(4096, b" "))
    write, at, end = len(_RTF_START), 16, min(size + 4, len(data))
    out = bytearray()
    while at < end and len(out) < raw_size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at + 1 >= end or len(out) >= raw_size:
                break
            where, length = write, 1
            if control & 1 << bit:
                where, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 0xF) + 2
                if where == write:  # the end
                    return bytes(out)
            else:
                window[write] = data[at]
            for step in range(length):
                byte = window[(where + step) % 4096]
                window[write] = byte
                out.append(byte)
                write = (write + 1) % 4096
            at += 2 if control & 1 << bit else 1
    return bytes(out)
