"""Makes documents and pairs of a public question set, to train a general reader on.

usage: python scripts/public_pairs.py train.en.json train.zh.json --target FOLDER

A set is a list of {context, qas: [{question, answers}]}. Each context becomes a text file in
FOLDER/documents, each question a line of FOLDER/pairs.jsonl, with the sentence that holds the answer as its
evidence; long answers are left out. Of every fourth context the sentence is also the reply in a sentence,
where it is not too long.

    domainqa ingest FOLDER/documents --collection reader
    domainqa retrain --collection reader --pairs FOLDER/pairs.jsonl --pairs samples/pairs --name reader
"""

import argparse
import json
from pathlib import Path

from finetune.pairs.evidence import sentence_holding
from finetune.pairs.formats import write_pairs
from finetune.pairs.values import Evidence, Pair
from retrieval.prompt import language_of

# What is longer is no answer in a few words: a quarter of CMRC's, a twentieth of SQuAD's.
_LONGEST_ANSWER = {"en": 60, "zh": 20}
_LONGEST_SENTENCE = {"en": 220, "zh": 70}
_WITH_SENTENCES = 4


def main() -> None:
    """Read the sets, write documents and pairs, say how many."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", type=Path, help="question sets that may be trained on")
    parser.add_argument("--target", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    pairs = [pair for file in arguments.sets for pair in _pairs(file, arguments.target / "documents")]
    write_pairs(pairs, arguments.target / "pairs.jsonl")
    print(f"{len(pairs)} pairs in {arguments.target / 'pairs.jsonl'}")


def _pairs(file: Path, documents: Path) -> list[Pair]:
    """The pairs of one set; writes its contexts."""
    name = file.name.removesuffix(".json")
    (documents / name).mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, entry in enumerate(json.loads(file.read_text(encoding="utf-8"))):
        document = f"{name}/{number:04d}.txt"
        (documents / document).write_text(entry["context"] + "\n", encoding="utf-8")
        spoken = number % _WITH_SENTENCES == 0
        pairs += [
            _pair(f"{name}-{number}-{place}", asked, entry["context"], document, spoken)
            for place, asked in enumerate(entry["qas"])
        ]
    return [pair for pair in pairs if len(pair.answers[0]) <= _LONGEST_ANSWER[language_of(pair.question)]]


def _pair(key: str, asked: dict[str, object], context: str, document: str, spoken: bool) -> Pair:
    question = str(asked["question"])
    answers = tuple(dict.fromkeys(_text(answer) for answer in asked["answers"]))  # type: ignore[attr-defined]
    sentence = " ".join(sentence_holding(answers[0], question, context).split())
    fits = spoken and 0 < len(sentence) <= _LONGEST_SENTENCE[language_of(question)]
    return Pair(
        id=key,
        question=question,
        answers=answers,
        sentence=sentence if fits else "",
        evidence=(Evidence(document, sentence),),
        origin=key.rpartition("-")[0],
    )


def _text(answer: object) -> str:
    return str(answer["text"]) if isinstance(answer, dict) else str(answer)


if __name__ == "__main__":
    main()
