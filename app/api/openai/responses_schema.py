"""OpenAI's Responses API: the fields that are read, and those that are sent; nothing is kept."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from app.api.openai.fields import (
    WITHOUT_EFFECT,
    Asking,
    ChatMessage,
    Format,
    Lenient,
    MostTokens,
    NoToolChoice,
    NoTools,
    NoTopLogprobs,
    only,
)
from app.api.openai.reply import Wanted, form_at
from app.schema import Shape, Sources, Usage
from retrieval.prompt import Message

_NOTHING_KEPT = "Replies are not kept here; send the whole conversation as input"


def _messages_of(given: object) -> object:
    """Input as messages: a text is the user's; what other models thought between messages is left out."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        return given
    return [one for one in given if not (isinstance(one, Mapping) and one.get("type") == "reasoning")]


class InputMessage(ChatMessage):
    """One message of the input."""

    type: Annotated[str, only("Only messages can be read; send text", "message")] = "message"


class TextFormat(Format):
    """`text.format`."""

    name: str = "reply"
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class TextSettings(Lenient):
    """`text`: what form the reply is to have; `verbosity` is taken and not used."""

    TAKEN: ClassVar[frozenset[str]] = frozenset({"verbosity"})

    format: TextFormat = TextFormat(type="text")


class ResponseRequest(Asking):
    """OpenAI's request; `collection`, `style`, `reading`, `limit` and `retrieval` are ours."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "base", "input": "What does the platinum card cost?"}]}
    )
    TAKEN: ClassVar[frozenset[str]] = WITHOUT_EFFECT | {
        "context_management",
        "include",
        "max_tool_calls",
        "reasoning",
        "truncation",
    }

    input: Annotated[
        tuple[InputMessage, ...],
        Field(min_length=1, max_length=1000),
        BeforeValidator(_messages_of, str | list[InputMessage]),
    ]
    instructions: Annotated[str, Field(max_length=100_000)] = ""
    max_output_tokens: MostTokens | None = None
    text: TextSettings = TextSettings()
    tools: NoTools = []
    tool_choice: NoToolChoice = "none"
    top_logprobs: NoTopLogprobs = 0
    background: Annotated[bool, only("Nothing is written in the background; leave it out", False)] = False
    previous_response_id: Annotated[str, only(_NOTHING_KEPT)] | None = None
    conversation: Annotated[Any, only(_NOTHING_KEPT)] = None
    prompt: Annotated[Any, only("Prompts are not kept here; send the text as input")] = None

    @property
    def wanted(self) -> Wanted:
        """What is asked for; FieldError for a schema that cannot be used."""
        told = (Message("system", self.instructions),) if self.instructions else ()
        form = self.text.format
        return Wanted(
            self,
            (*told, *(message.message for message in self.input)),
            self.max_output_tokens,
            form_at("text.format.schema", form.json_schema) if form.json_schema else None,
            form.type != "text",
        )


class OutputText(Shape):
    """The text of a reply, and where it is taken from."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[()] = ()


class OutputRefusal(Shape):
    """Why there is no JSON of the form that was asked for."""

    type: Literal["refusal"] = "refusal"
    refusal: str


class OutputMessage(Shape):
    """The one message of a reply."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: tuple[OutputText | OutputRefusal, ...]


class ResponseUsage(Shape):
    """Tokens, in the words of this API."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: dict[str, int] = {"cached_tokens": 0, "cache_write_tokens": 0}
    output_tokens_details: dict[str, int] = {"reasoning_tokens": 0}


class ResponseObject(Shape):
    """A reply, finished or begun; `sources` is ours."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    model: str
    output: tuple[OutputMessage, ...] = ()
    error: dict[str, str] | None = None
    incomplete_details: dict[str, str] | None = None
    usage: ResponseUsage | None = None
    temperature: float
    top_p: float
    max_output_tokens: int | None
    instructions: str | None
    text: dict[str, Any]
    tools: tuple[()] = ()
    tool_choice: Literal["none"] = "none"
    parallel_tool_calls: bool = False
    previous_response_id: None = None
    store: bool = False
    truncation: Literal["disabled"] = "disabled"
    metadata: dict[str, str] = {}
    sources: Sources | None = None


def usage_of_response(usage: Usage) -> ResponseUsage:
    """The tokens of an exchange in the words of this API."""
    return ResponseUsage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )
