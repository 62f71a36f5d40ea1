"""Unigram tokenizers without the library's trie give the library's tokens."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from retrieval.unigram import read_unigram

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


def made(folder: Path, pieces: Sequence[tuple[str, float]], special: Sequence[str] = SPECIAL) -> Path:
    """The file of a tokenizer like that of XLM-RoBERTa, with these pieces behind the special ones."""
    tokenizer = Tokenizer(models.Unigram([*((name, 0.0) for name in SPECIAL), *pieces], unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip(left=False)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(list(special))
    tokenizer.enable_truncation(8)
    file = folder / "tokenizer.json"
    tokenizer.save(str(file))
    return file


def of_the_library(file: Path, texts: Sequence[str]) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def test_any_text_has_the_tokens_of_the_library(tmp_path: Path) -> None:
    chance = random.Random(1)
    letters = "ab费用▁"
    pieces = {"".join(chance.choices(letters, k=chance.randint(1, 4))) for _ in range(120)} | set("ab费▁")
    # Equal scores are frequent, so that it matters which of two equal splits is taken.
    file = made(tmp_path, [(piece, -float(chance.randint(1, 6))) for piece in sorted(pieces)])
    others = "  \tｂ①é🙂𠮷"  # white space, what NFKC changes, what no piece has
    texts = ["".join(chance.choices(letters + others, k=chance.randint(0, 40))) for _ in range(2000)]
    tokenizer = read_unigram(file)
    assert tokenizer is not None
    assert tokenizer.encode(texts) == of_the_library(file, texts)


def test_special_tokens_in_a_text_are_plain_text(tmp_path: Path) -> None:
    file = made(tmp_path, [(letter, -2.0) for letter in "▁<>/sab"])
    texts = ["a</s>b", "<s>", "<pad> <unk>a"]
    tokenizer = read_unigram(file)
    assert tokenizer is not None
    assert tokenizer.encode(texts) == of_the_library(file, texts)


def test_unknown_characters_in_a_row_are_one_token(tmp_path: Path) -> None:
    tokenizer = read_unigram(made(tmp_path, [("▁", -1.0), ("a", -2.0)]))
    assert tokenizer is not None
    assert tokenizer.encode(["a字字字a"]) == [[0, 4, 5, 3, 5, 2]]


def test_other_tokenizers_are_left_to_the_library(tmp_path: Path) -> None:
    def changed(**parts: object) -> Path:
        file = made(tmp_path, [("a", -2.0)])
        described: dict[str, Any] = json.loads(file.read_text())
        for name, part in parts.items():
            described[name] = {**described[name], **part} if isinstance(part, dict) else part
        file.write_text(json.dumps(described))
        return file

    assert read_unigram(changed()) is not None
    assert read_unigram(changed(model={"byte_fallback": True})) is None
    assert read_unigram(changed(model={"unk_id": None})) is None
    assert read_unigram(changed(pre_tokenizer=None)) is None
    assert read_unigram(changed(post_processor=None)) is None  # nothing around a text
    words = Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))  # noqa: S106 - no password
    words.save(str(tmp_path / "words.json"))
    assert read_unigram(tmp_path / "words.json") is None
