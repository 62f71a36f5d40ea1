"""What commands ask of a home: by the server that runs on it, else in their own process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from app.announcement import Announcement, Usual, find_server
from app.cli.output import messages
from app.cli.remote import Hear, NotUsedError, ask_server, parsed
from app.home import home_of, in_environment

if TYPE_CHECKING:
    from app.cli.state import State
    from app.operations import Home


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an operation, as JSON: models of `app.schema`."""

    text: str

    @property
    def value(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The same, with attributes."""
        return parsed(self.text)


def to_nobody(_kind: str, _value: object) -> None:
    """Hear no news."""


class Calls(AbstractContextManager["Calls"]):
    """Calls operations of a home by name; the results are the same wherever they come from."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._place = home_of(state.home)
        self._here: Home | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what was opened."""
        if self._here:
            self._here.close()

    @cached_property
    def usual(self) -> Usual:
        """What the settings say; raises SettingsError."""
        if server := self._server():
            return server.usual
        settings = self._own().settings
        return Usual(settings.collection, settings.locale, settings.max_question_chars)

    @property
    def collection(self) -> str:
        """The collection that is meant."""
        return self._state.collection or self.usual.collection

    def do(self, operation: str, hear: Hear = to_nobody, /, **given: object) -> Reply:
        """The result of an operation; `hear` takes the news before it. Raises its failures.

        Args:
            operation: module and function in `app.operations`.
            hear: takes a kind of news and its value.
            given: the arguments, such as JSON can hold.
        """
        if server := self._server():
            try:
                return Reply(ask_server(server, operation, given, hear))
            except NotUsedError as error:
                self._tell(str(error))
        from app.operations import Listener, perform

        return Reply(perform(operation, given, self._own(), Listener(hear)))

    def _server(self) -> Announcement | None:
        if self._here or self._state.alone or in_environment().get("use_server", "auto") != "auto":
            return None
        found = find_server(self._place)
        if isinstance(found, str):
            self._tell(found)
            return None
        return found

    def _own(self) -> Home:
        """The home in this process, which from now on does all."""
        if self._here is None:
            from app.operations import Home

            self._here = Home(self._state.settings(), self._state.open)
        return self._here

    def _tell(self, reason: str) -> None:
        messages().print(
            f"The server on {self._place} is not used: {reason}. Working in this process.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
