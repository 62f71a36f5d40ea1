"""OpenAI's chat completions: the fields that are read, and those that are sent."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from answering.values import Kind, Outcome, ReadingProfile, Turn
from app.schema import NO_LIMIT, Limit, Name, Shape, Sources, Temperature, Tokens, Usage
from knowledge_base.errors import InputError
from retrieval.prompt import Style

Finish = Literal["stop", "length"]

_LONGEST = 100_000


class ChatMessage(Shape):
    """One message. Names and other extras of clients are taken and not used."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple["TextPart", ...] = Field(max_length=_LONGEST)

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class TextPart(Shape):
    """A part of a message; only text can be read."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=_LONGEST)]


class StreamOptions(Shape):
    """`include_usage` sends one more chunk, with the tokens."""

    include_usage: bool = False


class ChatRequest(Shape):
    """OpenAI's request; `collection`, `style`, `reading`, `limit` and `retrieval` are ours."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "base",
                    "messages": [{"role": "user", "content": "What does the platinum card cost?"}],
                    "collection": "bank",
                }
            ]
        }
    )

    model: Name
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=1000)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Temperature | None = None
    user: Annotated[str, Field(max_length=500)] | None = None
    # Taken as long as they change nothing: clients send them of their own accord.
    n: Annotated[int, Field(ge=1, le=1)] = 1
    top_p: Annotated[float, Field(ge=1, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    stop: Annotated[tuple[str, ...], Field(max_length=0)] | None = None
    collection: Name | None = None
    style: Style | None = None
    reading: ReadingProfile | None = None
    limit: Limit = NO_LIMIT
    retrieval: bool = True

    @property
    def most_tokens(self) -> int | None:
        """How long the reply may be; OpenAI has two names for it."""
        return self.max_completion_tokens or self.max_tokens


class ReplyMessage(Shape):
    """The reply; `kind`, `outcome` and `sources` are ours."""

    role: Literal["assistant"] = "assistant"
    content: str
    kind: Kind | None = None
    outcome: Outcome | None = None
    sources: Sources | None = None


class Choice(Shape):
    """The one reply there is; it ended by itself, or at the length that was asked for."""

    index: int = 0
    message: ReplyMessage
    finish_reason: Finish


class ChatResponse(Shape):
    """A finished reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage


class Delta(Shape):
    """What is new of a reply; the last one brings the sources."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    kind: Kind | None = None
    outcome: Outcome | None = None
    sources: Sources | None = None


class ChunkChoice(Shape):
    """The one reply there is, as it grows."""

    index: int = 0
    delta: Delta
    finish_reason: Finish | None = None


class ChatChunk(Shape):
    """A piece of a streamed reply."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    usage: Usage | None = None


class Model(Shape):
    """Something that `model` can name: the base model or an adapter."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "domainqa"


class Models(Shape):
    """All of them, the one that answers by default first."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def conversation_of(messages: Sequence[ChatMessage]) -> tuple[str, tuple[Turn, ...]]:
    """The last question, and the exchanges before it; what the system says is ours to say.

    Raises InputError if the last message is not the user's.
    """
    said = [message for message in messages if message.role in {"user", "assistant"}]
    if not said or said[-1].role != "user":
        raise InputError("The last message is not the user's.", "End the messages with a question.")
    turns: list[Turn] = []
    asked = ""
    for message in said[:-1]:
        if message.role == "user":
            asked = message.text
        elif asked:
            turns.append(Turn(asked, message.text))
            asked = ""
    return said[-1].text, tuple(turns)
