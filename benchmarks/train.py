"""Speed of training: ours against transformers.Trainer, the same samples, base and adapter, in one run.

usage: python benchmarks/train.py [--pairs 24] [--epochs 1] [--json FILE]

Both learn the training pairs of the sample bank as samples of our own retriever: a right passage with the
answer, a rival with the refusal. Trainer pads batches of similar length to their longest and computes the
logits of every token, as it does by default with labels; its loss counts replies alone, as ours does. It runs
twice: with the batches it likes best, and with the samples of each of our steps, where it should come to the
same weights. The ratio is to its faster run. After training all are measured by the same function on samples
that none learned.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import torch
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoTokenizer, Trainer, TrainingArguments

from answering.generation.encoding import Encoder
from app.factories import model_folder
from app.settings import load_settings
from app.workspace import Workspace
from benchmarks.measuring import SAMPLES, Row, save, show
from finetune.pairs.formats import read_pairs
from finetune.samples import samples_of
from finetune.settings import SampleSettings, TrainSettings
from finetune.training.network import adapted, load_base, plain_loss
from finetune.training.packing import Encoded
from finetune.training.plan import encode, learning_rate, plan_of
from finetune.training.train import fit
from finetune.training.values import Base, Sample

_IGNORED = -100
_BATCHES = 4  # of a step


def main() -> None:
    """Train both, measure, print, save."""
    arguments = _arguments()
    settings = load_settings({})
    base = Base(model_folder(settings.generator, settings.models_cache), settings.generator)
    encoder = Encoder(AutoTokenizer.from_pretrained(base.folder), base.context)
    learned, held = _samples(arguments.pairs, encoder)
    training = TrainSettings(
        epochs=arguments.epochs, dev_share=0.0, samples_per_step=16, kl_pieces=0, forget_limit=math.inf
    )  # Trainer does nothing about forgetting
    heldout, _ = encode(held, encoder)
    before = load_base(base.folder, base.device)
    rows: list[Row] = [{"training by": "nobody", "samples/s": None, "held-out loss": _loss(before, heldout)}]
    del before
    runs = {
        "domainqa": _ours,
        "transformers.Trainer": _theirs,
        "transformers.Trainer, our steps": _in_our_steps,
    }
    for name, run in runs.items():
        started = time.perf_counter()
        model, seconds = run(learned, base, training, encoder)
        rows.append(
            {
                "training by": name,
                "samples/s": arguments.epochs * len(learned) / seconds,
                "seconds": seconds,
                "with loading": time.perf_counter() - started,
                "held-out loss": _loss(model, heldout),
            }
        )
        del model
    ours, *theirs = (float(row["samples/s"] or 0) for row in rows[1:])
    columns = list(rows[1])
    table = [{column: row.get(column) for column in columns} for row in rows]
    show(f"{len(learned)} samples, {arguments.epochs} epoch(s)", table)
    print(f"ratio: {ours / max(theirs):.2f}")
    save(arguments.json, "train", {"training": table, "ratio": [{"samples/s": ours / max(theirs)}]})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=24, help="pairs of each language")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _samples(count: int, encoder: Encoder) -> tuple[list[Sample], list[Sample]]:
    """Samples of training pairs to learn, and of others to measure; those of one document stay together."""
    with tempfile.TemporaryDirectory() as home, Workspace(load_settings({"home": home})) as workspace:
        workspace.ingest(SAMPLES / "bank", "bank")
        corpus = workspace.corpus("bank")
        parts: tuple[list[Sample], list[Sample]] = ([], [])
        for language in ("en", "zh"):
            pairs = read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs
            pairs = [pair for pair in pairs if pair.split == "train"]
            for part, chosen in zip(parts, (pairs[:count], pairs[count : count + count // 4]), strict=True):
                together_none = SampleSettings(together=0.0)
                made = samples_of(chosen, corpus, encoder.count, together_none, lambda _done, _total: None)
                part.extend(made.samples)
    return parts


def _ours(
    samples: Sequence[Sample], base: Base, settings: TrainSettings, _encoder: Encoder
) -> tuple[PeftModel, float]:
    with tempfile.TemporaryDirectory() as folder:
        model, _, trained = fit(samples, base, settings, Path(folder))
    return model, trained.seconds


def _theirs(
    samples: Sequence[Sample], base: Base, settings: TrainSettings, encoder: Encoder
) -> tuple[PeftModel, float]:
    encoded, _ = encode(samples, encoder)
    steps = math.ceil(math.ceil(len(encoded) / settings.samples_per_step) * settings.epochs)
    return _trained(Trainer, encoded, steps, base, settings)


def _in_our_steps(
    samples: Sequence[Sample], base: Base, settings: TrainSettings, encoder: Encoder
) -> tuple[PeftModel, float]:
    plan = plan_of(samples, encoder, settings)
    steps = [[s for row in step for tree in row for s in tree.samples] for step in plan.steps]
    ordered = [sample for step in steps for sample in sorted(step, key=lambda sample: sample.length)]
    return _trained(
        _batched([len(step) for step in steps]), ordered, len(steps), base, replace(settings, epochs=1)
    )


def _batched(steps: Sequence[int]) -> type[Trainer]:
    """A Trainer that takes so many samples a step, each step in as many batches."""
    batches: list[range] = []
    for end, count in zip(accumulate(steps), steps, strict=True):
        bounds = [end - count + at * count // _BATCHES for at in range(_BATCHES + 1)]
        batches += [range(*pair) for pair in pairwise(bounds) if pair[0] < pair[1]]

    class Batched(Trainer):
        def get_train_dataloader(self) -> DataLoader[object]:
            return DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)

    return Batched


def _trained(
    trainer: type[Trainer], samples: Sequence[Encoded], steps: int, base: Base, settings: TrainSettings
) -> tuple[PeftModel, float]:
    model = adapted(load_base(base.folder, base.device), settings)
    data = [{"input_ids": [*s.prompt, *s.reply], "reply": len(s.reply)} for s in samples]
    with tempfile.TemporaryDirectory() as folder:
        training = trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                num_train_epochs=settings.epochs,
                per_device_train_batch_size=settings.samples_per_step // _BATCHES,
                gradient_accumulation_steps=_BATCHES,
                train_sampling_strategy="group_by_length",
                remove_unused_columns=False,
                report_to=[],
                save_strategy="no",
                logging_strategy="no",
                disable_tqdm=True,
                use_cpu=base.device == "cpu",
                seed=settings.seed,
            ),
            train_dataset=data,  # type: ignore[arg-type]
            data_collator=_padded,
            optimizers=_optimizer(model, steps, settings),
        )
        started = time.perf_counter()
        training.train()
    return model, time.perf_counter() - started


def _optimizer(
    model: PeftModel, steps: int, settings: TrainSettings
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """The same one, with the same rate at each step, as in our training."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(min(step, steps - 1), steps, settings)
    )
    return optimizer, schedule


def _padded(samples: Sequence[dict[str, object]]) -> dict[str, torch.Tensor]:
    """Ids, mask and labels [batch, longest], labels on replies alone."""
    ids = [torch.tensor(sample["input_ids"]) for sample in samples]
    longest = max(len(row) for row in ids)
    inputs = torch.zeros(len(ids), longest, dtype=torch.long)
    mask, labels = torch.zeros_like(inputs), torch.full_like(inputs, _IGNORED)
    for place, (row, sample) in enumerate(zip(ids, samples, strict=True)):
        inputs[place, : len(row)], mask[place, : len(row)] = row, 1
        start = len(row) - int(sample["reply"])  # type: ignore[call-overload]
        labels[place, start : len(row)] = row[start:]
    return {"input_ids": inputs, "attention_mask": mask, "labels": labels}


@torch.no_grad()
def _loss(model: torch.nn.Module, samples: Sequence[Encoded]) -> float:
    """Nats per reply token, each sample read alone."""
    model.train(False)
    network = model.get_base_model() if isinstance(model, PeftModel) else model
    nats = sum(float(plain_loss(model, network, sample)) for sample in samples)
    return nats / sum(len(sample.reply) for sample in samples)


if __name__ == "__main__":
    main()
