"""Handlers of the page do what they do for the principal whose request sent the event."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import gradio as gr

from app.access.caller import acting
from app.access.values import Principal

_NAME = "sender"


def as_caller(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler with one more parameter, before its own: the request, which Gradio gives by its type."""
    called = _steps(handler) if inspect.isgeneratorfunction(handler) else _whole(handler)
    signature = inspect.signature(handler)
    sender = inspect.Parameter(_NAME, inspect.Parameter.POSITIONAL_ONLY, annotation=gr.Request)
    parameters = [sender, *signature.parameters.values()]
    described: Any = called
    described.__signature__ = signature.replace(parameters=parameters)
    described.__annotations__ = {**get_type_hints(handler), _NAME: gr.Request}
    return called


def _whole(handler: Callable[..., Any]) -> Callable[..., Any]:
    def called(sender: gr.Request, *given: Any) -> Any:  # noqa: ANN401
        with acting(_principal(sender)):
            return handler(*given)

    return called


def _steps(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Each step runs where Gradio likes, so the caller is set for each."""

    def called(sender: gr.Request, *given: Any) -> Iterator[Any]:  # noqa: ANN401
        principal, steps = _principal(sender), iter(handler(*given))
        try:
            while True:
                with acting(principal):
                    try:
                        step = next(steps)
                    except StopIteration:
                        return
                yield step
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()

    return called


def _principal(sender: gr.Request) -> Principal:
    """Whom the middleware found; without one nothing is done."""
    principal = sender.state.principal
    if not isinstance(principal, Principal):
        raise TypeError("A request came past the middleware that finds out who calls.")
    return principal
