"""Questions as people ask them, put to a running server: kinds of questions, steps and lists, trust.

usage: python benchmarks/questions.py [--url URL] [--set "yes or no" "steps and lists" trust
       "paper and old files" "tables and talk" "sample bank"] [--language en zh]
       [--collection hospital insurer] [--show] [--json FILE]

The documents of question_sets/ describe a hospital, a utility, a university, a car insurer, a tax office
and a library that do not exist, in English and Chinese; no adapter has learned them. "paper and old files"
asks of scans, photographs, filled forms and files of old Office in the sample bank, "tables and talk" of
rows, extremes, differences and comparisons, of several things at once, and greets, and "sample bank" asks in
all these ways of the sample bank's other files. Without --url, the collections are ingested into a temporary
home and a server of this build is started on it; with --url, that server must already hold the collections
"hospital", "utility", "university", "insurer", "taxoffice", "library" and "bank".

An answer to a yes-or-no question is right if it begins with the right word. For steps and lists, the share of
the items given counts. An answer to any other question is right if it holds what it must and nothing that it
must not; a question that the documents do not answer must not get the outcome "answered", and small talk
must get the outcome "chat".
"""

import argparse
import contextlib
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SETS = Path(__file__).parent / "question_sets"
COLLECTIONS = ("hospital", "utility", "university", "insurer", "taxoffice", "library", "bank")
BANK = Path(__file__).parents[1] / "samples" / "bank"
SURE = 0.8
_BEGINNINGS = {
    ("en", "yes"): r"Yes\b",
    ("en", "no"): r"No\b",
    ("zh", "yes"): r"(是|可以|能|对|有|要|需|会|必须|应|营业|开)",
    ("zh", "no"): r"(不|否|没|无|免)",
}
Case = dict[str, Any]


def main() -> None:
    """Ask every case, print a line for each kind and set, save the replies."""
    arguments = _arguments()
    cases = [json.loads(line) for line in (SETS / "questions.jsonl").read_text("utf-8").splitlines()]
    cases = [c for c in cases if c["set"] in arguments.set and c["language"] in arguments.language]
    cases = [c for c in cases if c["collection"] in arguments.collection]
    names = dict.fromkeys(case["collection"] for case in cases)
    served = contextlib.nullcontext(arguments.url) if arguments.url else _server(names)
    with served as url:
        scored = [_scored(case, *_ask(url, case)) for case in cases]
    for case in scored if arguments.show else ():
        mark = "right" if case["right"] else "WRONG"
        print(f"{mark} {case['share']:.2f} {case['question']} => {case['reply'][:160]!r}")
    for title, group in _groups(scored):
        print(f"{title:32} {_figures(group)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(scored, ensure_ascii=False, indent=1), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url")
    sets = ["yes or no", "steps and lists", "trust", "paper and old files", "tables and talk", "sample bank"]
    parser.add_argument("--set", nargs="+", default=sets)
    parser.add_argument("--language", nargs="+", default=["en", "zh"])
    parser.add_argument("--collection", nargs="+", default=list(COLLECTIONS))
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@contextlib.contextmanager
def _server(collections: Iterable[str]) -> Iterator[str]:
    """The address of a server on a temporary home that holds the collections."""
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "app.cli", "--home", home]
        for name in collections:
            folder = BANK if name == "bank" else SETS / "documents" / name
            subprocess.run([*command, "ingest", folder, "--collection", name], check=True)
        process = subprocess.Popen([*command, "serve", "--port", str(port)], stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait_until_ready(url: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return
        time.sleep(0.5)
    raise TimeoutError(f"The server at {url} was not ready within {seconds:.0f} seconds.")


def _ask(url: str, case: Case) -> tuple[Case, float]:
    """The message of the answer, and the seconds that it took."""
    turns = [
        {"role": role, "content": text}
        for exchange in case.get("history", ())
        for role, text in zip(("user", "assistant"), exchange, strict=True)
    ]
    messages = [*turns, {"role": "user", "content": case["question"]}]
    body = {"model": "reader", "collection": case["collection"], "messages": messages}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=300) as response:
        message = json.load(response)["choices"][0]["message"]
    return message, time.perf_counter() - began


def _scored(case: Case, message: Case, seconds: float) -> Case:
    """The case with its reply, whether that is right, and the share of the facts in it."""
    text = message["content"]
    # An earlier build has no outcome; there the wording of a refusal is what tells.
    outcome = message.get("outcome") or ("not_found" if _is_old_refusal(text) else "answered")
    answered = outcome == case.get("outcome", "answered")
    if case.get("refuse"):
        right, share = not answered, float(not answered)
    else:
        held = [bool(re.search(pattern, text)) for pattern in case["must"]]
        share = sum(held) / len(held) if answered else 0.0
        wrong = any(re.search(pattern, text) for pattern in case.get("must_not", ()))
        right = share == 1 and not wrong
    if case.get("begins"):
        right = answered and bool(re.match(_BEGINNINGS[case["language"], case["begins"]], text))
    cited = json.dumps(message.get("sources") or [], ensure_ascii=False)
    return case | {
        "reply": text,
        "outcome": outcome,
        "right": right,
        "share": share,
        "cited": case.get("document", "") in cited if answered and not case.get("refuse") else None,
        "confidence": message.get("confidence"),
        "seconds": seconds,
    }


def _is_old_refusal(text: str) -> bool:
    return bool(re.search(r"could not find this|没有找到答案", text))


def _groups(scored: list[Case]) -> Iterator[tuple[str, list[Case]]]:
    """Cases by set and kind, by set and language, by collection, and all that should not be answered."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in scored:
        groups[f"{case['set']}: {case['kind']}"].append(case)
        groups[f"{case['set']}, {case['language']}"].append(case)
        groups[case["collection"]].append(case)
        groups["unanswerable" if case.get("refuse") else "answerable"].append(case)
    yield from groups.items()


def _figures(group: list[Case]) -> str:
    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else float("nan")

    sure = [case for case in group if case["outcome"] == "answered" and (case["confidence"] or 0) > SURE]
    return "  ".join(
        (
            f"n {len(group):3}",
            f"right {mean([c['right'] for c in group]):.2f}",
            f"facts {mean([c['share'] for c in group]):.2f}",
            f"answered {mean([c['outcome'] == 'answered' for c in group]):.2f}",
            f"cited {mean([c['cited'] for c in group if c['cited'] is not None]):.2f}",
            f"wrong above {SURE} {sum(not c['right'] for c in sure)} of {len(group)}",
            f"seconds {statistics.median(c['seconds'] for c in group):.2f}",
        )
    )


if __name__ == "__main__":
    main()
