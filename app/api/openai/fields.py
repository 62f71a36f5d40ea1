"""Fields that OpenAI's routes share: read where they mean something here, taken where they change nothing.

A field that asks for something that is not done here is refused in a sentence, and never silently ignored.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from answering.values import ReadingProfile, Turn
from app.api.errors import FieldError
from app.schema import NO_LIMIT, Limit, Name, Shape, Temperature, plain_unicode
from retrieval.prompt import Message, Style

_MOST_TOKENS = 4096
_LONGEST = 100_000
_MOST_STOPS = 16
_SEEDS = 2**63
# Parts of a message by their types, as a person calls them.
_UNREAD = {
    "image_url": "Images",
    "input_image": "Images",
    "input_audio": "Recordings",
    "file": "Files",
    "input_file": "Files",
}
_TEXT_KEYS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
# Fields that may hold anything: for the bookkeeping of clients, and hints that no answer here depends on.
WITHOUT_EFFECT = frozenset(
    {
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
_TOOLS = "The model calls no tools; leave them out, or send tool_choice none"


class Lenient(Shape):
    """A request of OpenAI's protocol. A field that is null is as good as left out.

    `TAKEN` are fields that may hold anything: what they ask for makes no difference to a reply.
    """

    TAKEN: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_what_changes_nothing(cls, given: Any) -> Any:  # noqa: ANN401 - whatever is sent
        if not isinstance(given, Mapping):
            return given
        no_tools = ("tools", "functions") if given.get("tool_choice") == "none" else ()
        return {
            name: value
            for name, value in given.items()
            if value is not None and name not in cls.TAKEN and name not in no_tools
        }


def only(told: str, *values: object) -> AfterValidator:
    """Takes some values, which change nothing, and answers any other with the sentence `told`."""

    def checked(given: object) -> object:
        if given not in values:
            raise PydanticCustomError("unsupported", told)
        return given

    return AfterValidator(checked)


def _text_of(content: object) -> object:
    """The content of a message as one text; a part that is no text is refused by its name."""
    if isinstance(content, str):
        return plain_unicode(content)
    if not isinstance(content, Sequence):
        return content
    return "".join(_part_text(part) for part in content)


def _part_text(part: object) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get(_TEXT_KEYS.get(str(kind), "")) if isinstance(part, Mapping) else None
    if isinstance(text, str):
        return plain_unicode(text)
    named = _UNREAD.get(str(kind), "Parts other than text")
    remedy = "upload them to a collection" if named == "Files" else "send text"
    raise PydanticCustomError(
        "unreadable", "{named} cannot be read here; {remedy}", {"named": named, "remedy": remedy}
    )


def _role_of(role: object) -> object:
    if role in ("tool", "function"):
        raise PydanticCustomError("unsupported", "Results of tools cannot be read; send their text")
    return "system" if role == "developer" else role


def _listed(stop: object) -> object:
    return (stop,) if isinstance(stop, str) else stop


def _unlimited(most: object) -> object:
    return _MOST_TOKENS if most == -1 else most


Content = Annotated[
    str,
    Field(max_length=_LONGEST),
    BeforeValidator(_text_of, json_schema_input_type=str | list[dict[str, Any]]),
]
MostTokens = Annotated[
    int, Field(ge=1), AfterValidator(lambda most: min(most, _MOST_TOKENS)), BeforeValidator(_unlimited)
]
Stop = Annotated[
    tuple[Annotated[str, Field(max_length=500)], ...],
    Field(max_length=_MOST_STOPS),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]
TopP = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=-_SEEDS, lt=_SEEDS)]
NoTools = Annotated[list[Any], only(_TOOLS, []), WithJsonSchema({"type": "array", "maxItems": 0})]
NoToolChoice = Annotated[str | dict[str, Any], only(_TOOLS, "none", "auto")]
One = Annotated[int, only("One reply is written at a time; send 1, or leave it out", 1)]
NoLogprobs = Annotated[bool, only("Log-probabilities are not given; leave it out", False)]
NoTopLogprobs = Annotated[int, only("Log-probabilities are not given; leave it out", 0)]
NoPenalty = Annotated[float, only("Repetition is not penalised; send 0, or leave it out", 0)]
NoBias = Annotated[dict[str, Any], only("Tokens cannot be weighed one by one; leave it out", {})]


class ChatMessage(Lenient):
    """One message. Names and other extras of clients are taken and not used."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Annotated[Literal["system", "user", "assistant"], BeforeValidator(_role_of)]
    content: Content = ""
    tool_calls: NoTools = []

    @property
    def message(self) -> Message:
        """As generators take it."""
        return Message(self.role, self.content)


class StreamOptions(Lenient):
    """`include_usage` sends one more chunk, with the tokens."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    include_usage: bool = False


class JsonSchema(Lenient):
    """The shape that a reply is to have; `strict` makes no difference, since a reply always fits."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = "reply"
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class Format(Lenient):
    """Whether a reply is text, any JSON object, or one of a schema."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["text", "json_object", "json_schema"]


class Asking(Lenient):
    """What all routes that write text have in common; the last fields are ours."""

    model: Name
    stream: bool = False
    temperature: Temperature = 0.0
    top_p: TopP = 1.0
    seed: Seed | None = None
    stop: Stop = ()
    n: One = 1
    presence_penalty: NoPenalty = 0
    frequency_penalty: NoPenalty = 0
    logit_bias: NoBias = {}
    stream_options: StreamOptions = StreamOptions()
    collection: Name | None = None
    style: Style | None = None
    reading: ReadingProfile | None = None
    limit: Limit = NO_LIMIT
    retrieval: bool = True


def conversation_of(messages: Sequence[Message]) -> tuple[str, tuple[Turn, ...]]:
    """The last question, and the exchanges before it; what the system says is ours to say.

    Raises FieldError if the last message is not the user's.
    """
    said = [message for message in messages if message.role in {"user", "assistant"}]
    if not said or said[-1].role != "user":
        raise FieldError("messages", "The last message is not the user's.", "End with a question.")
    return said[-1].content, tuple(_turns(said[:-1]))


def _turns(said: Sequence[Message]) -> Iterator[Turn]:
    asked = ""
    for message in said:
        if message.role == "user":
            asked = message.content
        elif asked and message.content:
            yield Turn(asked, message.content)
            asked = ""
