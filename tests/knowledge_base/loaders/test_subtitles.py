"""Subtitles as running text."""

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.subtitles import load_subtitles

SRT = """1
00:00:01,000 --> 00:00:03,000
<i>Welcome to</i> the bank,

2
00:00:03,100 --> 00:00:05,000
where the fee is 5 yuan.

3
00:00:20,000 --> 00:00:22,000
年费
为680元。
"""


def test_cues_become_paragraphs_divided_by_pauses() -> None:
    assert [block.text for block in load_subtitles(SRT.encode()).blocks] == [
        "Welcome to the bank, where the fee is 5 yuan.",
        "年费为680元。",
    ]


def test_web_subtitles_name_their_speaker() -> None:
    vtt = "WEBVTT\n\nNOTE hidden\n\n"
    vtt += "intro\n00:01.000 --> 00:02.000 align:start\n<v Ada>Good <00:01.500>day</v>\n"
    assert [block.text for block in load_subtitles(vtt.encode()).blocks] == ["Ada: Good day"]


def test_text_without_times_is_refused() -> None:
    with pytest.raises(LoadError, match="no subtitles"):
        load_subtitles(b"just text")
