"""Makes documents and pairs of the texts in scripts/written_texts, to train a general reader on.

usage: python scripts/written_pairs.py --target FOLDER

The texts were written for this: each subject has five passages full of neighbouring names and figures, and
six questions on each passage, most of them in other words than the passage's. They are encyclopedic, the
Chinese ones as translated texts read, or of invented hospitals, insurers, schools and firms. They teach to
read, not to know: nothing rests on what they state. Each passage becomes a text file in
FOLDER/documents/written-LANGUAGE, each question a line of FOLDER/pairs.jsonl, many with a reply in a sentence
besides the few words.

    cp -r FOLDER/documents/* public/documents/
    domainqa retrain … --pairs FOLDER/pairs.jsonl
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from finetune.pairs.evidence import sentence_holding
from finetune.pairs.formats import write_pairs
from finetune.pairs.values import Evidence, Pair

_TEXTS = Path(__file__).parent / "written_texts"


def main() -> None:
    """Read the texts, write documents and pairs, say how many."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="folder to write to")
    target = parser.parse_args().target
    files = sorted(_TEXTS.glob("*/*.json"))
    pairs = [pair for file in files for pair in _pairs(file, target / "documents")]
    write_pairs(pairs, target / "pairs.jsonl")
    print(f"{len(pairs)} pairs in {target / 'pairs.jsonl'}")


def _pairs(file: Path, documents: Path) -> Iterator[Pair]:
    """The pairs of one subject; writes its passages."""
    folder = f"written-{file.parent.name}"
    (documents / folder).mkdir(parents=True, exist_ok=True)
    for number, passage in enumerate(json.loads(file.read_text(encoding="utf-8"))["passages"]):
        origin = f"{folder}/{file.stem}-{number}"
        (documents / f"{origin}.txt").write_text(passage["text"] + "\n", encoding="utf-8")
        for place, asked in enumerate(passage["pairs"]):
            quote = sentence_holding(asked["answer"], asked["question"], passage["text"]) or asked["answer"]
            yield Pair(
                id=f"{origin}-{place}",
                question=asked["question"],
                answers=(asked["answer"],),
                sentence=asked["sentence"],
                evidence=(Evidence(f"{origin}.txt", quote),),
                origin=origin,
            )


if __name__ == "__main__":
    main()
