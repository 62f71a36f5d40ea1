"""OpenAI's chat completions: the fields that are read, and those that are sent."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from answering.structured import Form
from answering.values import Kind, Outcome
from app.api.openai.fields import (
    WITHOUT_EFFECT,
    Asking,
    ChatMessage,
    Format,
    JsonSchema,
    MostTokens,
    NoLogprobs,
    NoToolChoice,
    NoTools,
    NoTopLogprobs,
    StreamOptions,
    only,
)
from app.api.openai.reply import Finish, Wanted, form_at
from app.api.openai.sources import Annotation
from app.schema import Shape, Sources, Usage


class ChatFormat(Format):
    """`response_format`."""

    json_schema: JsonSchema | None = None


class ChatRequest(Asking):
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
    TAKEN: ClassVar[frozenset[str]] = WITHOUT_EFFECT | {"prediction", "reasoning_effort", "verbosity"}

    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=1000)]
    max_tokens: MostTokens | None = None
    max_completion_tokens: MostTokens | None = None
    response_format: ChatFormat = ChatFormat(type="text")
    stream_options: StreamOptions = StreamOptions()
    tools: NoTools = []
    tool_choice: NoToolChoice = "none"
    functions: NoTools = []
    function_call: NoToolChoice = "none"
    logprobs: NoLogprobs = False
    top_logprobs: NoTopLogprobs = 0
    modalities: Annotated[list[str], only("Replies are text; leave it out", ["text"])] = ["text"]
    audio: Annotated[Any, only("Nothing is spoken; leave it out")] = None
    web_search_options: Annotated[Any, only("The web is not searched; leave it out")] = None

    @property
    def wanted(self) -> Wanted:
        """What is asked for; FieldError for a schema that cannot be used."""
        return Wanted(
            self,
            tuple(message.message for message in self.messages),
            self.max_completion_tokens or self.max_tokens,
            self._form(),
            self.response_format.type != "text",
        )

    def _form(self) -> Form | None:
        wanted = self.response_format
        if wanted.type != "json_schema" or wanted.json_schema is None:
            return None
        return form_at("response_format.json_schema.schema", wanted.json_schema.json_schema)


class ReplyMessage(Shape):
    """The reply; `kind`, `outcome` and `sources` are ours."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    annotations: tuple[Annotation, ...] = ()
    kind: Kind | None = None
    outcome: Outcome | None = None
    sources: Sources | None = None


class Choice(Shape):
    """The one reply there is; it ended by itself, or at the length that was asked for."""

    index: int = 0
    message: ReplyMessage
    logprobs: None = None
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
    refusal: str | None = None
    annotations: tuple[Annotation, ...] | None = None
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
