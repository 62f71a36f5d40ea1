"""transformers without what only compiling, training in parallel and object detection need of it.

Its modules mark functions for torch's compiler, name classes of distributed tensors and take a function of
SciPy. That loads the compiler, Triton and scipy.optimize: six seconds of a processor and 145 MB that stay.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

# Decorators, which here leave a function as it is, and a function that is never called.
_AS_IT_IS = {
    "torch._dynamo": ("allow_in_graph", "assume_constant_result", "disable"),
    "scipy.optimize": ("linear_sum_assignment",),
}


@contextmanager
def light_transformers() -> Iterator[None]:
    """Import transformers and load a model in the block; behind it the real modules can be imported.

    A stand-in that is asked for anything else makes way for the real module.
    """
    import torch

    root = Path(torch.__file__).parents[1]
    made = [_StandIn(name, root) for name in _AS_IT_IS if name not in sys.modules]
    sys.modules.update({module.__name__: module for module in made})
    try:
        with patch("torch.distributed.is_available", return_value=False):
            yield
    finally:
        for module in made:
            module.leave()


class _StandIn(ModuleType):
    def __init__(self, name: str, root: Path) -> None:
        super().__init__(name)
        self.__path__ = [str(root.joinpath(*name.split(".")))]  # its submodules are the real ones

    def __getattr__(self, name: str) -> object:
        if name in _AS_IT_IS[self.__name__]:
            return _as_it_is
        if name.startswith("__"):
            raise AttributeError(name)
        self.leave()
        return getattr(import_module(self.__name__), name)

    def leave(self) -> None:
        """Make way for the real module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


def _as_it_is(given: object = None, *_how: object, **_options: object) -> object:
    return _as_it_is if given is None else given
