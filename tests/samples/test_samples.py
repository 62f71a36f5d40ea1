"""The sample bank is complete, every pair holds against the built documents, and the splits do not leak."""

import json
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from knowledge_base.loaders import load
from tests.run_script import ROOT, run_script
from tests.samples.extract import EXTRACTORS, text_of

SAMPLES = ROOT / "samples"
LANGUAGES = ("en", "zh")
FORMATS = {
    ".pdf": 8, ".docx": 6, ".pptx": 2, ".xlsx": 3, ".csv": 3, ".html": 5,
    ".md": 5, ".txt": 3, ".eml": 3, ".epub": 1, ".jpg": 1, ".doc": 1, ".xls": 1, ".ppt": 1,
}  # fmt: skip
OLD = (".doc", ".xls", ".ppt")
KINDS = {"fact": 30, "table": 35, "similar": 20, "unanswerable": 30}
KEYS = {"id", "question", "answer", "answers", "sentence", "evidence", "kind", "split"}
LARGEST_BANK = 6 * 2**20


def pairs(language: str) -> list[dict[str, Any]]:
    lines = (SAMPLES / "pairs" / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def squeezed(text: str) -> str:
    """Drop white space, because a PDF breaks lines where the page ends and not where the sentence does."""
    return "".join(text.split())


@cache
def squeezed_document(path: str) -> str:
    return squeezed(text_of(SAMPLES / "bank" / path))


def sources(language: str) -> dict[str, Path]:
    found = {}
    for file in (SAMPLES / "sources" / language).rglob("*.md"):
        target = file.read_text(encoding="utf-8").split("path:", 1)[1].splitlines()[0].strip()
        found[target] = file
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_source_has_its_document_and_the_other_way_round(language: str) -> None:
    bank = SAMPLES / "bank"
    built = {str(file.relative_to(bank)) for file in (bank / language).rglob("*") if file.is_file()}
    assert built == set(sources(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_format_is_there(language: str) -> None:
    counts = Counter(Path(path).suffix for path in sources(language))
    assert {suffix: counts[suffix] for suffix, least in FORMATS.items() if counts[suffix] < least} == {}
    assert counts[".json"] + counts[".jsonl"] >= 2
    assert sum(counts.values()) >= 42


def test_bank_stays_small() -> None:
    assert sum(file.stat().st_size for file in (SAMPLES / "bank").rglob("*") if file.is_file()) < LARGEST_BANK


def run_builder(bank: Path) -> str:
    return run_script("build_samples.py", "--bank", str(bank)).splitlines()[-1]


def test_builder_writes_what_is_committed_and_the_same_again(tmp_path: Path) -> None:
    paths = [*sources("en"), *sources("zh")]
    old = [path for path in paths if Path(path).suffix in OLD]  # LibreOffice may be missing
    for path in old:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / "bank" / path, tmp_path / path)
    assert run_builder(tmp_path) == f"{len(paths)} documents, {len(paths) - len(old)} changed"
    assert run_builder(tmp_path) == f"{len(paths)} documents, 0 changed"
    # compressed formats may differ with the version of zlib; the text in them may not
    for path in paths:
        if Path(path).suffix in EXTRACTORS:
            assert text_of(tmp_path / path) == text_of(SAMPLES / "bank" / path), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_pairs_of_every_kind(language: str) -> None:
    found = pairs(language)
    counts = Counter(pair["kind"] for pair in found)
    assert set(counts) == set(KINDS)
    assert {kind: counts[kind] for kind, least in KINDS.items() if counts[kind] < least} == {}
    assert len(found) >= 150
    assert 50 <= sum(pair["split"] == "heldout" for pair in found) <= 90


@pytest.mark.parametrize("language", LANGUAGES)
def test_pairs_are_well_formed(language: str) -> None:
    found = pairs(language)
    for pair in found:
        assert set(pair) == KEYS, pair["id"]
        assert pair["split"] in ("train", "heldout"), pair["id"]
        answerable = pair["kind"] != "unanswerable"
        for key in ("answer", "answers", "sentence", "evidence"):
            assert bool(pair[key]) == answerable, (pair["id"], key)
        assert not answerable or pair["answer"] in pair["answers"], pair["id"]
    assert len({pair["id"] for pair in found}) == len({pair["question"] for pair in found}) == len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_quote_is_in_its_document(language: str) -> None:
    missing = [
        (pair["id"], evidence["document"], evidence["quote"])
        for pair in pairs(language)
        for evidence in pair["evidence"]
        if not evidence["quote"] or squeezed(evidence["quote"]) not in squeezed_document(evidence["document"])
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_stand_in_their_evidence(language: str) -> None:
    answerable = [pair for pair in pairs(language) if pair["evidence"]]
    literal = [pair["id"] for pair in answerable if _answer_is_quoted(pair)]
    assert len(literal) >= 0.95 * len(answerable)


def _answer_is_quoted(pair: dict[str, Any]) -> bool:
    quotes = squeezed(" ".join(evidence["quote"] for evidence in pair["evidence"]))
    return any(squeezed(answer) in quotes for answer in pair["answers"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_document_is_in_one_split_only(language: str) -> None:
    splits: dict[str, set[str]] = {}
    for pair in pairs(language):
        for evidence in pair["evidence"]:
            splits.setdefault(evidence["document"], set()).add(pair["split"])
    assert [document for document, seen in splits.items() if len(seen) > 1] == []


def test_the_question_of_the_first_page_is_held_out() -> None:
    question = "What is the annual fee of the platinum card this year?"
    (pair,) = [pair for pair in pairs("en") if pair["question"] == question]
    assert (pair["answer"], pair["split"]) == ("680", "heldout")


@pytest.mark.parametrize(
    ("path", "sentences"),
    [
        ("en/museum/museum-admission-scan.pdf", ["A guided tour lasts 50 minutes", "Price in yuan: 60"]),
        ("en/staff/window-cleaning-notice.jpg", ["The lifting platform stands in Cooper Lane."]),
        (
            "zh/职工/职工图书室借阅须知（扫描件）.pdf",
            ["类别：外文图书；可借数量：4册；借期：50天", "续借期为12天"],
        ),
        ("zh/职工/电梯检修通知.jpg", ["检修期间请改乘5号电梯，或走西侧楼梯。", "方启明"]),
    ],
)
def test_paper_is_read_by_ocr(path: str, sentences: list[str]) -> None:
    loaded = load(SAMPLES / "bank" / path)
    text = "\n".join(block.text for block in loaded.blocks)
    assert [sentence for sentence in sentences if sentence not in text] == []
    assert all((block.ocr or 0) > 0.9 for block in loaded.blocks)


@pytest.mark.parametrize("path", ["en/staff/bicycle-place-application.pdf", "zh/职工/健身房入会申请表.pdf"])
def test_a_filled_form_keeps_its_values(path: str) -> None:
    found = {block.text for block in load(SAMPLES / "bank" / path).blocks}
    assert found & {"Place requested: C-17, near the ramp", "衣柜押金：85元"}
