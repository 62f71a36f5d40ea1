"""MSG: envelope, text, attachments and messages within messages."""

import struct

from knowledge_base.loaders.outlook import load_outlook, unpacked_rtf
from tests.compound import compound


def properties(begin: int, sent: int) -> bytes:
    return bytes(begin) + struct.pack("<HHIQ", 0x40, 0x39, 0, sent)


def message(folder: str = "", **texts: str) -> dict[str, bytes]:
    streams = {f"{folder}__substg1.0_{tag[1:]}001F": text.encode("utf-16-le") for tag, text in texts.items()}
    numbers = properties(24 if folder else 32, 133_800_000_000_000_000)
    return streams | {f"{folder}__properties_version1.0": numbers}


def test_envelope_text_and_attachments() -> None:
    attachment = "__attach_version1.0_#00000000/"
    inner = "__attach_version1.0_#00000001/__substg1.0_3701000D/"
    loaded = load_outlook(
        compound(
            message(
                p0037="年费调整",
                p0C1A="零售部",
                p0C1F="retail@bank.example",
                p0E04="all",
                p1000="白金卡年费为680元。",
            )
            | {f"{attachment}__substg1.0_37010102": b"The old limit was 5,000.\n" + b" " * 4096}
            | {f"{attachment}__substg1.0_3707001F": "limits.txt".encode("utf-16-le")}
            | message(inner, p0037="Limits", p1000="The new limit is 9,000.")
        )
    )
    assert loaded.title == "年费调整"
    assert [block.text for block in loaded.blocks] == [
        "From: 零售部 <retail@bank.example>; To: all; Date: 2024-12-30 02:40; "
        "Subject: 年费调整; Attachments: limits.txt",
        "白金卡年费为680元。",
        "limits.txt",
        "The old limit was 5,000.",
        "Limits",
        "Date: 2024-12-30 02:40; Subject: Limits",
        "The new limit is 9,000.",
    ]


def test_compressed_rtf_names_what_was_there_before() -> None:
    # "{\rtf1 " is in the dictionary at 0, then come four letters and a copy of two of them.
    start = 207
    literal = b"abcd"
    pieces = struct.pack(">H", 0 << 4 | 5) + literal + struct.pack(">H", (start + 7) << 4 | 0)
    control = bytes([0b100001])
    packed = control + pieces
    header = struct.pack("<II4sI", len(packed) + 12, 13, b"LZFu", 0)
    assert unpacked_rtf(header + packed) == b"{\\rtf1\\abcdab"
    assert unpacked_rtf(struct.pack("<II4sI", 15, 3, b"MELA", 0) + b"raw") == b"raw"
