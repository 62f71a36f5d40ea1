"""Where operations work, whom they tell how they go on, and how they are called by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ConfigDict, ValidationError, validate_call
from pydantic_core import to_json

from answering.generation.protocol import Cancelled, never
from app.audit import NOTED, noted, owner
from app.settings import Settings
from knowledge_base.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from app.workspace import Workspace
    from finetune.registry.registry import Registry

Operation = TypeVar("Operation", bound=Callable[..., object])

_MODULES = frozenset({"adapters", "collections", "documents", "pairs", "questions"})
_MARK = "is_operation"


class Home:
    """A home folder: its settings, and what is opened of it once an operation needs it."""

    def __init__(self, settings: Settings, open_workspace: Callable[[Settings], Workspace]) -> None:
        self.settings = settings
        self._open = open_workspace

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace, with models that are loaded when they are needed."""
        return self._open(self.settings)

    @cached_property
    def registry(self) -> Registry:
        """The adapters, without the workspace if nothing else has needed it."""
        from app.adapters import open_registry

        return open_registry(self.settings)

    def close(self) -> None:
        """Release what was opened."""
        if "workspace" in vars(self):
            self.workspace.close()


@dataclass(frozen=True, slots=True)
class Listener:
    """Who waits for the result: `hear` takes news by kind, `cancelled` says if nobody waits any more."""

    hear: Callable[[str, object], None]
    cancelled: Cancelled = never


def operation(function: Operation) -> Operation:
    """Let a function be called by name; it takes a Home, a Listener, and what its caller gives."""
    setattr(function, _MARK, True)
    return function


def perform(name: str, given: Mapping[str, Any], home: Home, listener: Listener) -> str:
    """The result of an operation, as JSON.

    Raises NotFoundError if there is no such operation, InputError if it cannot be given this.
    """
    module, _, function = name.partition(".")
    found = getattr(import_module(f"{__package__}.{module}"), function, None) if module in _MODULES else None
    if found is None or not hasattr(found, _MARK):
        raise NotFoundError(f"There is no operation {name}.", "Use the same version as the server.")
    checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(found)
    act = noted(home.settings.home, owner(), name, given) if function in NOTED else nullcontext()
    try:
        with act:
            return to_json(checked(home, listener, **given)).decode()
    except ValidationError as error:
        if error.title != function:
            raise  # not of what was given: a defect
        wrong = "; ".join(f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors())
        raise InputError(f"{wrong}.", "Correct it.") from error
