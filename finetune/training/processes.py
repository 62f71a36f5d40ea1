"""One process or several: each computes some sequences of a step, and their gradients are summed."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True, slots=True)
class Processes:
    """How many processes train together, and which of them this is, as the launcher says."""

    count: int = 1
    number: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.number == 0

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gradients become the sum over all processes; one that had nothing to compute adds zero."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            distributed.all_reduce(parameter.grad)

    def total(self, value: float, device: torch.device) -> float:
        """The sum of one number over all processes."""
        if self.count == 1:
            return value
        held = torch.tensor(value, dtype=torch.float32, device=device)
        distributed.all_reduce(held)
        return float(held)

    def wait(self) -> None:
        """Until all have come this far."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def join_processes() -> Processes:
    """The processes that were launched together; alone if none were."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:  # set by the launcher, not by people
        return ALONE
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.num_processes, state.process_index)
