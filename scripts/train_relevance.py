"""Trains the relevance model of retrieval/relevance.py: which lines of a window answer a question.

usage: python scripts/train_relevance.py --data FOLDER [--minutes 60] [--start FILE] [--output FILE]
       [--sources written bank …] [--questions N]

It learns from questions with the lines that answer them: those written for it in scripts/relevance_texts,
those of scripts/written_texts, the training pairs of the sample bank, and the public sets in FOLDER
(train.en.json, train.zh.json, dialogue.en.json). Beside the window that holds the answer stand others of the
same document, and those that the packaged embedder finds nearest to the question.

The loss is that of picking the right lines of all that are shown, or none (softmax over the lines and a
"none" of score 0), and that of judging each line by itself. A LoRA adapter of rank 32 on the upper eight
layers of the packaged embedder learns, with a head of two layers. The texts that are marked as held out are
not learned from; in the end it is told how often the best line of such a text is a right one, and the AUC of
the best line for questions that a window answers against those that it does not.
"""

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from transformers import BertModel

from answering.evidence import sections_of
from answering.wording import folded
from app.factories import model_folder
from app.settings import load_settings
from app.workspace import Workspace
from finetune.pairs.evidence import sentence_holding
from finetune.pairs.formats import read_pairs
from knowledge_base.sentences import sentence_spans
from retrieval.analysis import simplified
from retrieval.e5 import E5_SMALL
from retrieval.embedder import SentenceTransformerEmbedder
from retrieval.relevance import ADAPTER, Window, encoded, features

_SCRIPTS = Path(__file__).parent
_SAMPLES = _SCRIPTS.parent / "samples"
_RANK, _SCALE, _FIRST_LAYER = 32, 2, 4
_RATE, _HEAD_RATE, _WARM_UP = 8e-4, 2.4e-3, 20
_GROUPS = 8  # questions of a step
_WINDOW_TOKENS = 170
_NEAR = 3  # windows of other documents beside each question
_WITHOUT_ANSWER, _WITH_ANOTHER = 0.12, 0.5
_MOST_LINES = 5  # of a window of running text; the one that is right stays in it
_MOST_POSITIVE = 8  # lines that answer
_SHORT = 8  # words of a question that needs the one before it
# How often a question is drawn from each source, in proportion.
_SHARES = {"written": 12.0, "dialogue": 3.0, "public": 4.0, "bank": 2.0, "encyclopedic": 2.0}


@dataclass(frozen=True)
class Text:
    """Lines of a document, each with the heading above it."""

    source: str
    lines: tuple[tuple[str, str], ...]
    held_out: bool = False


@dataclass(frozen=True)
class Asked:
    """A question, the text it is about, the places of the lines that answer it, and words that give it away.

    Windows of other texts that hold one of `answers` may answer too, and are not shown as wrong.
    """

    question: str
    text: Text
    right: frozenset[int]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labelled:
    """A window and which of its lines answer."""

    window: Window
    right: tuple[bool, ...]


@dataclass(frozen=True)
class Group:
    """What is known of one question: windows that answer it, and others."""

    asked: Asked
    answering: tuple[Labelled, ...]
    others: tuple[Labelled, ...]


def main() -> None:
    """Read, find near windows, train, save, measure."""
    arguments = _arguments()
    settings = load_settings({})
    folder = model_folder(E5_SMALL.name, settings.models_cache)
    embedder = SentenceTransformerEmbedder(folder, id=E5_SMALL.name)
    questions = _questions(arguments.sources, arguments.data)
    groups = [group for asked in questions for group in _groups(asked[: arguments.questions], embedder)]
    held_out = [group for group in groups if group.asked.text.held_out]
    learned = [group for group in groups if not group.asked.text.held_out]
    network = Network(folder, embedder.tokenize)
    if arguments.start:
        network.restore(arguments.start)
    train(network, learned, arguments.minutes)
    network.save(arguments.output)
    for name, figures in measure(network, held_out).items():
        print(name, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the public sets and dialogues")
    parser.add_argument("--sources", nargs="+", choices=_SHARES, default=list(_SHARES))
    parser.add_argument("--questions", type=int, help="as many of each source, for a trial")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--output", type=Path, default=ADAPTER)
    arguments = parser.parse_args()
    if arguments.data is None and {"public", "dialogue"} & set(arguments.sources):
        parser.error("--data is needed for the sources public and dialogue")
    return arguments


# What is learned from


def _questions(sources: Sequence[str], data: Path) -> Iterator[list[Asked]]:
    """The questions of each source; near windows are looked for among those of the same source."""
    for language in ("en", "zh"):
        if "written" in sources:
            yield [asked for file in _files("relevance_texts", language) for asked in _written(file)]
        if "encyclopedic" in sources:
            yield [asked for file in _files("written_texts", language) for asked in _encyclopedic(file)]
        if "public" in sources:
            yield list(_public(data / f"train.{language}.json"))
        if "bank" in sources:
            yield _bank(language)
    if "dialogue" in sources:
        yield list(_dialogue(data / "dialogue.en.json"))


def _files(folder: str, language: str) -> list[Path]:
    return sorted((_SCRIPTS / folder / language).glob("*.json"))


def _written(file: Path) -> Iterator[Asked]:
    read = json.loads(file.read_text(encoding="utf-8"))
    lines = [
        (f"{read['title']} › {part['heading']}", line) for part in read["sections"] for line in part["lines"]
    ]
    text = Text("written", tuple(lines), read.get("held_out", False))
    for asked in read["questions"]:
        yield Asked(asked["question"], text, frozenset(asked["lines"]))


def _encyclopedic(file: Path) -> Iterator[Asked]:
    read = json.loads(file.read_text(encoding="utf-8"))
    for passage in read["passages"]:
        text = _running("encyclopedic", read["subject"], passage["text"])
        for pair in passage["pairs"]:
            holding = sentence_holding(pair["answer"], pair["question"], passage["text"])
            right = {place for place, (_, line) in enumerate(text.lines) if holding and holding in line}
            if len(right) == 1:
                yield Asked(pair["question"], text, frozenset(right), (pair["answer"],))


def _public(file: Path) -> Iterator[Asked]:
    for entry in json.loads(file.read_text(encoding="utf-8")):
        text = _running("public", "", entry["context"])
        for asked in entry["qas"]:
            answers = tuple(filter(None, asked["answers"]))
            right = {place for place, (_, line) in enumerate(text.lines) if any(a in line for a in answers)}
            if len(right) == 1:
                yield Asked(asked["question"], text, frozenset(right), answers)


def _running(source: str, title: str, text: str) -> Text:
    lines = ((title, text[start:end]) for start, end in sentence_spans(text))
    return Text(source, tuple(lines))


def _dialogue(file: Path) -> Iterator[Asked]:
    """The last thing that a user says, with the one before where it is short, and the grounding sentences."""
    for page in json.loads(file.read_text(encoding="utf-8")):
        text = Text("dialogue", tuple(_page_lines(page)))
        plain = [_plain(line) for _, line in text.lines]
        for asked in page["qas"]:
            said = [words for role, words in asked["turns"] if role == "user"]
            question = " ".join(said[-2:]) if len(said[-1].split()) < _SHORT else said[-1]
            evidence = [_plain(sentence) for sentence in asked["evidence"]]
            right = {
                place for place, line in enumerate(plain) if any(e in line or line in e for e in evidence)
            }
            if 0 < len(right) <= _MOST_POSITIVE:
                yield Asked(question, text, frozenset(right))


def _page_lines(page: dict[str, Any]) -> Iterator[tuple[str, str]]:
    heading = page["title"]
    for line in filter(None, map(str.strip, page["text"].split("\n"))):
        if len(line) < 70 and not line.endswith((".", ":", ";")):  # noqa: PLR2004 - a heading is short
            heading = f"{page['title']} › {line}"
        else:
            yield from ((heading, line[start:end]) for start, end in sentence_spans(line))


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).lower().strip()


def _bank(language: str) -> list[Asked]:
    """The training pairs of the sample bank; of units that hold a quote, the one most like the reply."""
    with tempfile.TemporaryDirectory() as home, Workspace(load_settings({"home": home})) as workspace:
        workspace.ingest(_SAMPLES / "bank" / language, "bank")
        retriever = workspace.retriever("bank")
        texts = {path: _units(retriever.document(path)) for path in retriever.catalogue()}
        found = []
        for pair in read_pairs(_SAMPLES / "pairs" / f"{language}.jsonl").pairs:
            place = pair.evidence[0] if pair.evidence and pair.split == "train" else None
            text = texts.get(place.document.removeprefix(f"{language}/")) if place else None
            if place is None or text is None:
                continue
            holding = [n for n, (_, line) in enumerate(text.lines) if folded(place.quote) in folded(line)]
            said = set(folded(f"{pair.sentence} {pair.question}"))
            if holding:
                best = max(holding, key=lambda n: len(said & set(folded(text.lines[n][1]))))
                found.append(Asked(pair.question, text, frozenset([best])))
        return found


def _units(document: Any) -> Text:  # noqa: ANN401
    units = [unit for section in sections_of(document) for unit in section.body]
    return Text("bank", tuple((unit.headings, unit.text) for unit in units))


# Windows


def _groups(questions: Sequence[Asked], embedder: SentenceTransformerEmbedder) -> Iterator[Group]:
    """The windows of each question: those of its text, and the nearest of other texts."""
    texts = list({id(asked.text): asked.text for asked in questions}.values())
    windows = [(text, *window) for text in texts for window in _windows(text, embedder.count_tokens)]
    vectors = _embedded(embedder, [f"{w.heading}: {' '.join(w.lines)}" for _, w, _ in windows], "passage")
    queries = _embedded(embedder, [asked.question for asked in questions], "query")
    own: dict[int, list[int]] = defaultdict(list)
    for number, (text, _, _) in enumerate(windows):
        own[id(text)].append(number)
    for asked, query in zip(questions, queries, strict=True):
        near = (vectors @ query).argsort()[::-1].tolist()
        labelled = [
            Labelled(windows[n][1], tuple(place in asked.right for place in windows[n][2]))
            for n in own[id(asked.text)]
        ]
        others = (windows[n][1] for n in near if windows[n][0] is not asked.text)
        others = (w for w in others if not any(a in line for a in asked.answers for line in w.lines))
        wrong = [Labelled(w, (False,) * len(w.lines)) for w, _ in zip(others, range(_NEAR), strict=False)]
        answering = tuple(one for one in labelled if any(one.right))
        rest = [one for one in labelled if not any(one.right)]
        yield Group(asked, answering, (*rest[:_NEAR], *wrong))


def _windows(text: Text, count: Callable[[Sequence[str]], list[int]]) -> Iterator[tuple[Window, list[int]]]:
    """Neighbouring lines under one heading that fit together, and their places."""
    counts = count([line for _, line in text.lines])
    places: list[int] = []
    for place, (heading, _) in enumerate(text.lines):
        is_full = sum(counts[p] for p in (*places, place)) > _WINDOW_TOKENS
        if places and (heading != text.lines[places[0]][0] or is_full):
            yield _window(text, places), places
            places = []
        places.append(place)
    if places:
        yield _window(text, places), places


def _window(text: Text, places: Sequence[int]) -> Window:
    return Window(text.lines[places[0]][0], tuple(text.lines[place][1] for place in places))


def _embedded(embedder: SentenceTransformerEmbedder, texts: Sequence[str], kind: Any) -> Any:  # noqa: ANN401
    return embedder.embed([text.translate(simplified()) for text in texts], kind)


def _drawn(group: Group, draw: random.Random) -> list[Labelled]:
    """What is shown of a question this time; sometimes nothing that answers it."""
    if not group.answering:
        return [draw.choice(group.others)]
    if group.others and draw.random() < _WITHOUT_ANSWER:
        return draw.sample(group.others, min(2, len(group.others)))
    shown = list(group.answering) if len(group.answering) <= 2 else draw.sample(group.answering, 2)  # noqa: PLR2004
    if group.others and draw.random() < _WITH_ANOTHER:
        shown.append(draw.choice(group.others))
    return shown if group.asked.text.source in ("written", "bank") else [_cut(one, draw) for one in shown]


def _cut(one: Labelled, draw: random.Random) -> Labelled:
    """At most a few neighbouring lines of running text, the first right one among them."""
    most = len(one.right) - _MOST_LINES
    if most <= 0:
        return one
    right = one.right.index(True) if any(one.right) else draw.randint(0, len(one.right) - 1)
    start = min(max(0, right - draw.randint(0, _MOST_LINES - 1)), most)
    lines = one.window.lines[start : start + _MOST_LINES]
    return Labelled(Window(one.window.heading, lines), one.right[start : start + _MOST_LINES])


# The network


class Network(nn.Module):
    """The embedder with LoRA on its upper layers, and the head; as retrieval/relevance.py computes it."""

    def __init__(self, folder: Path, tokenize: Callable[[Sequence[str]], list[list[int]]]) -> None:
        super().__init__()
        base = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="sdpa")
        layers = list(range(_FIRST_LAYER, base.config.num_hidden_layers))
        config = LoraConfig(
            r=_RANK,
            lora_alpha=_SCALE * _RANK,
            target_modules=["query", "key", "value", "dense"],
            layers_to_transform=layers,
            layers_pattern="layer",
        )
        self.encoder = get_peft_model(base.requires_grad_(False), config)
        width = base.config.hidden_size
        self.head = nn.Sequential(nn.Linear(3 * width, width), nn.Tanh(), nn.Linear(width, 1))
        self._tokenize = tokenize

    def forward(self, question: str, shown: Sequence[Labelled]) -> tuple[Tensor, Tensor]:
        """Log-odds of all lines [n] that fit into their windows, and whether they are right [n]."""
        odds, right = [], []
        for one in shown:
            ids, spans = encoded(question, one.window, self._tokenize)
            if spans:
                states = self.encoder(input_ids=torch.tensor([ids])).last_hidden_state[0]
                odds.append(self.head(features(states, ids, spans))[:, 0])
                right += one.right[: len(spans)]
        return torch.cat(odds), torch.tensor(right)

    def save(self, file: Path) -> None:
        """The weights as `RelevanceModel` reads them, in 16 bits, LoRA's scale in its second matrix."""
        kept = {}
        for name, value in self.state_dict().items():
            if "lora_" in name or name.startswith("head."):
                kept[_plain_name(name)] = (value * _SCALE if "lora_B" in name else value).half().contiguous()
        save_file(kept, file)

    def restore(self, file: Path) -> None:
        """Go on from saved weights."""
        kept = load_file(file)
        for name, value in self.state_dict().items():
            if _plain_name(name) in kept:
                value.copy_(kept[_plain_name(name)].float() / (_SCALE if "lora_B" in name else 1))


def _plain_name(name: str) -> str:
    """A weight's name in the file: that of the encoder, without what PEFT adds."""
    return name.replace("encoder.base_model.model.", "").replace(".default.weight", "")


def train(network: Network, groups: Sequence[Group], minutes: float) -> None:
    """Learn until the minutes are over; the rate rises for some steps, then falls to nothing."""
    draw = random.Random(1)
    sources: dict[str, list[Group]] = defaultdict(list)
    for group in draw.sample(groups, len(groups)):
        sources[group.asked.text.source].append(group)
    print({name: len(group) for name, group in sources.items()})
    lora = [p for name, p in network.named_parameters() if p.requires_grad and "lora_" in name]
    optimizer = torch.optim.AdamW(
        [{"params": lora}, {"params": network.head.parameters()}], weight_decay=0.01
    )
    started, seen, step, losses = time.monotonic(), Counter[str](), 0, 0.0
    while (passed := (time.monotonic() - started) / 60) < minutes:
        share = min(1.0, (step + 1) / _WARM_UP) * (1 - passed / minutes)
        for part, rate in zip(optimizer.param_groups, (_RATE, _HEAD_RATE), strict=True):
            part["lr"] = rate * share
        for name in draw.choices(list(sources), [_SHARES[name] for name in sources], k=_GROUPS):
            group = sources[name][seen[name] % len(sources[name])]
            seen[name] += 1
            loss = _loss(*network(group.asked.question, _drawn(group, draw))) / _GROUPS
            loss.backward()
            losses += loss.item()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        if step % 20 == 0:
            print(f"{passed:.1f} min, step {step}, loss {losses / 20:.3f}", dict(seen), flush=True)
            losses = 0.0


def _loss(odds: Tensor, right: Tensor) -> Tensor:
    all_odds = torch.cat([odds, torch.zeros(1)])
    all_right = torch.cat([right, (~right.any()).reshape(1)])
    picked = torch.logsumexp(all_odds, 0) - torch.logsumexp(all_odds[all_right], 0)
    return picked + F.binary_cross_entropy_with_logits(odds, right.float())


@torch.inference_mode()
def measure(network: Network, groups: Sequence[Group]) -> dict[str, str]:
    """By source: how often the best line is a right one, and the AUC of answered against unanswered."""
    network.eval()
    hits: dict[str, list[bool]] = defaultdict(list)
    best: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for group in groups:
        name = group.asked.text.source
        others = network(group.asked.question, group.others)[0] if group.others else torch.empty(0)
        if group.answering:
            own, right = network(group.asked.question, group.answering)
            hits[name].append(bool(own[right].max() >= torch.cat([own, others]).max()))
            best[name].append((True, float(own[right].max())))
            others = others if len(others) else own[~right]
        if len(others):
            best[name].append((False, float(others.max())))
    return {
        name: f"best line right {sum(found) / len(found):.3f} of {len(found)}, "
        f"AUC {roc_auc_score(*zip(*best[name], strict=True)):.3f}"
        for name, found in hits.items()
    }


if __name__ == "__main__":
    main()
