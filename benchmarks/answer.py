"""Speed of the generator in this process against plain `model.generate`, on one prompt in one run.

usage: python benchmarks/answer.py [--model FOLDER] [--tokens 64] [--repeat 3]
       [--data xquad.en.json xquad.zh.json] [--questions 30] [--json FILE]

Every engine reads the same prompt of about 1,000 tokens, which begins differently in each repetition so that
nothing is remembered, and writes greedily. They take turns, so that whatever else the machine does hits all
of them; medians are shown. "again" is the first token of another question on the context just read.

With --data the same questions are then answered through the whole answering function, once with the model in
plain bf16 and once as it is served: what is faster must not be worse.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import psutil
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.generation.streamers import BaseStreamer

from answering.generation.in_process import InProcessGenerator
from answering.generation.model import Precision, best_precision
from answering.generation.protocol import Request
from app.factories import limit_threads, model_folder
from app.settings import load_settings
from app.workspace import Workspace
from benchmarks.asking import figures, public_cases, tell
from benchmarks.measuring import Row, read_set, save, show
from finetune.evaluation.evaluate import evaluate
from finetune.pipeline import Contender
from retrieval.models import torch_device
from retrieval.prompt import Message

PROMPT_TOKENS = 1000
QUESTIONS = (
    "How much does the replacement of card 12 cost?",
    "Which card costs 391 yuan a year, and how much is its replacement?",
)
_SHOWN = ("answerable", "EM", "F1", "wrongly refused", "citation right", "seconds")
Write = Callable[[str, int], "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """When each token came, in seconds after asking, and the text."""

    times: tuple[float, ...]
    text: str

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.times[0]

    @property
    def rate(self) -> float:
        """Tokens a second after the first one."""
        steps = [after - before for before, after in pairwise(self.times)]
        return len(steps) / sum(steps)


@dataclass(slots=True)
class Engine:
    """One way to write, and what was measured of it."""

    name: str
    write: Write
    load: float
    memory: float
    fresh: list[Written] = field(default_factory=list)
    again: list[Written] = field(default_factory=list)


class Clock(BaseStreamer):
    """Notes when `generate` hands over each token; it hands over the prompt first."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: object) -> None:
        """A token, or the prompt."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is pending."""


def main() -> None:
    """Measure, print, save."""
    arguments = _arguments()
    settings = load_settings({})
    limit_threads(settings)
    device = torch_device(settings.device)
    folder = arguments.model or model_folder(settings.generator, settings.models_cache)
    speed = _speed(folder, device, arguments)
    quality = _qualities(folder, device, arguments) if arguments.data else []
    save(arguments.json, "answer", {"speed": speed, "quality": quality})


def _speed(folder: Path, device: str, arguments: argparse.Namespace) -> list[Row]:
    """How fast each engine writes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    engines = [
        _loaded("generate bf16", lambda: _plain(folder, tokenizer, torch.bfloat16, device)),
        _loaded("generate fp32", lambda: _plain(folder, tokenizer, torch.float32, device)),
        _loaded("in process", lambda: _ours(folder, device)),
    ]
    for engine in engines:
        engine.write(_context(tokenizer, 0)[:400], 4)
    for turn in range(1, arguments.repeat + 1):
        context = _context(tokenizer, turn)
        for engine in engines:
            engine.fresh.append(engine.write(_prompt(context, 0), arguments.tokens))
            engine.again.append(engine.write(_prompt(context, 1), 1))
    rows = [_row(engine, engines[0], engines[1]) for engine in engines]
    tokens = len(tokenizer(_prompt(_context(tokenizer, 1), 0)).input_ids)
    show(f"{folder.name}, prompt of {tokens} tokens, greedy, median of {arguments.repeat}", rows)
    return rows


def _qualities(folder: Path, device: str, arguments: argparse.Namespace) -> list[Row]:
    """How good answers are, in plain bf16 and as they are served."""
    rows = [
        {"engine": name, **row}
        for name, precision in (("bf16", Precision(torch.bfloat16)), ("in process", best_precision(device)))
        for row in _quality(InProcessGenerator(folder, device, precision=precision), arguments)
    ]
    show("Quality of the answers of the same adapter", rows)
    return rows


def _quality(generator: InProcessGenerator, arguments: argparse.Namespace) -> list[Row]:
    """Figures of each question set, answered by the adapter that comes with domainqa."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as home,
        Workspace(load_settings({"home": home}), generator=generator) as workspace,
    ):
        for read in map(read_set, arguments.data):
            cases = [c for c in public_cases(workspace, read, arguments.questions) if c.answerable]
            asks = {"reader": workspace.pipeline(read.name).ask(Contender("reader", "reader"))}
            scored = figures(evaluate(cases, asks, tell)["reader"])
            rows.append({"set": read.name, **{name: scored[name] for name in _SHOWN}})
    return rows


def _loaded(name: str, load: Callable[[], Write]) -> Engine:
    before, start = psutil.Process().memory_info().rss, time.perf_counter()
    write = load()
    seconds = time.perf_counter() - start
    return Engine(name, write, seconds, (psutil.Process().memory_info().rss - before) / 2**20)


def _plain(folder: Path, tokenizer: PreTrainedTokenizerBase, dtype: torch.dtype, device: str) -> Write:
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").to(device)

    def write(prompt: str, tokens: int) -> Written:
        clock, start = Clock(), time.perf_counter()
        ids = tokenizer(prompt, return_tensors="pt").to(device)
        output = network.generate(**ids, max_new_tokens=tokens, do_sample=False, streamer=clock)
        text = tokenizer.decode(output[0, ids.input_ids.shape[1] :], skip_special_tokens=True)
        return Written(tuple(moment - start for moment in clock.times[1:]), text)

    return write


def _ours(folder: Path, device: str) -> Write:
    generator = InProcessGenerator(folder, device=device)

    def write(prompt: str, tokens: int) -> Written:
        start, times, text = time.perf_counter(), [], ""
        for piece in generator.stream(Request((Message("user", prompt),), max_new_tokens=tokens)):
            times.append(time.perf_counter() - start)
            text += piece
        return Written(tuple(times), text)

    return write


def _context(tokenizer: PreTrainedTokenizerBase, turn: int) -> str:
    text, number = f"List {turn} of the bank's cards.", 0
    while len(tokenizer(text).input_ids) < PROMPT_TOKENS - 40:
        number += 1
        text += f"\nCard {number} costs {17 * number} yuan a year, its replacement {number + turn} yuan."
    return text


def _prompt(context: str, question: int) -> str:
    return f"{context}\n\nQuestion: {QUESTIONS[question]}\nAnswer:"


def _row(engine: Engine, bf16: Engine, fp32: Engine) -> Row:
    first, rate = _first(engine), _rate(engine)
    return {
        "engine": engine.name,
        "first token s": first,
        "× bf16": _first(bf16) / first,
        "× fp32": _first(fp32) / first,
        "tokens/s": rate,
        "rate × bf16": rate / _rate(bf16),
        "rate × fp32": rate / _rate(fp32),
        "again s": statistics.median(written.first for written in engine.again),
        "again/first": statistics.median(written.first for written in engine.again) / first,
        "load s": engine.load,
        "memory MiB": round(engine.memory),
        "text as bf16": statistics.mean(
            _shared(ours.text, theirs.text) for ours, theirs in zip(engine.fresh, bf16.fresh, strict=True)
        ),
    }


def _first(engine: Engine) -> float:
    return statistics.median(written.first for written in engine.fresh)


def _rate(engine: Engine) -> float:
    return statistics.median(written.rate for written in engine.fresh)


def _shared(left: str, right: str) -> float:
    """Share of the text that is the same from the beginning on."""
    same = next(
        (place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None
    )
    return 1.0 if left == right else (same or 0) / max(len(left), len(right))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder; the generator of the settings without it")
    parser.add_argument("--tokens", type=int, default=64, help="length of each answer")
    parser.add_argument("--repeat", type=int, default=3, help="how often each engine answers")
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="question sets in SQuAD's layout")
    parser.add_argument("--questions", type=int, default=30, help="questions of each set")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
