"""Valid pairs and tasks are divided: to train on, to calibrate with, to test with."""

import random
from dataclasses import replace

from finetune.pairs.values import Task
from finetune.retrain.values import Splits, ValidPairs
from finetune.settings import RetrainSettings
from finetune.split import split_pairs
from knowledge_base.errors import InputError


def splits_of(valid: ValidPairs, settings: RetrainSettings) -> Splits:
    """Train, calibrate and test on different documents.

    Tasks need no documents; without any pairs there is nothing to calibrate. InputError if there are too few.
    """
    test_tasks = _test_tasks(valid.tasks, settings)
    train_tasks = tuple(task for task in valid.tasks if task not in test_tasks)
    if valid.tasks and not valid.pairs:
        if not (train_tasks and test_tasks):
            missing = "test with" if train_tasks else "train on"
            raise InputError(
                f"There is nothing to {missing}: there are {len(valid.tasks)} tasks.",
                "Give more of them; by default every fifth is held out for testing.",
            )
        return Splits((), (), (), train_tasks, test_tasks, ())
    outer = split_pairs(valid.pairs, settings.test_share, settings.seed)
    undecided = [replace(pair, split="") for pair in outer.train]
    inner = split_pairs(undecided, settings.calibration_share, settings.seed)
    removed = (*outer.removed, *inner.removed)
    return Splits(inner.train, inner.test, outer.test, train_tasks, test_tasks, removed)


def _test_tasks(tasks: tuple[Task, ...], settings: RetrainSettings) -> tuple[Task, ...]:
    """What a task itself says holds; of the others a share is drawn."""
    undecided = [task for task in tasks if not task.split]
    drawn = random.Random(settings.seed).sample(undecided, round(len(undecided) * settings.test_share))
    keys = {task.id for task in drawn}
    return tuple(task for task in tasks if task.split == "test" or task.id in keys)
