"""Every setting of domainqa: one frozen, closed, typed value, resolved once at start.

From strongest to weakest: what the command line gives, the environment (DOMAINQA_CHUNK_TOKENS=128),
`settings.toml` in the home folder (chunk_tokens = 128), and the defaults below. A key that does not exist is
an error, and all problems are reported together, each with the source of the wrong value.
"""

import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app.home import PREFIX, absolute, default_home, home_of, in_environment, settings_file
from knowledge_base.errors import InputError, SettingsError


def _default_models_cache() -> Path:
    return Path.home() / ".cache" / "domainqa" / "models"


def _server_address(text: str) -> str:
    """An address as it is called and shown: without a slash at its end, with /v1 where no path is named."""
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("should be an address such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("should be an address without name, password or query; a key is generator_api_key")
    return parts.geturl() if parts.path else f"{parts.geturl()}/v1"


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))


Folder = Annotated[Path, AfterValidator(absolute)]
ServerAddress = Annotated[str, AfterValidator(_server_address)]
Network = Annotated[str, AfterValidator(_network)]
Name = Annotated[str, Field(min_length=1, max_length=500)]


class Settings(BaseSettings):
    """All settings of a run. Make it with `load_settings`, which reports problems well."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, validate_default=True, hide_input_in_errors=True
    )

    home: Folder = Field(
        default_factory=default_home, description="Folder that holds collections, adapters, users and keys."
    )
    models_cache: Folder = Field(
        default_factory=_default_models_cache,
        description="Folder into which packaged models are unpacked; homes can share it.",
    )
    collection: Name = Field(
        "bank", description="Collection that commands and requests use when they name none."
    )
    embedder: Name = Field(
        "multilingual-e5-small",
        description="Model that turns texts into vectors: a packaged model, a folder or a Hugging Face id. "
        "After a change, run `ingest --rebuild` for each collection.",
    )
    generator: Name = Field(
        "gemma-3-270m",
        description="Model that writes answers: a packaged model, a folder or a Hugging Face id; with "
        "generator_url, its name on that server; or langchain:PROVIDER:MODEL for a model behind LangChain.",
    )
    generator_context: int = Field(
        8192,
        ge=512,
        le=10_000_000,
        description="Context window in tokens, prompt and answer together, if reading is free and the server "
        "does not report its window.",
    )
    reading: Literal["auto", "span", "extract", "free"] = Field(
        "auto",
        description="How the model reads: span (one passage at a time, a short answer), extract (sentences "
        "of the documents), free (all passages together, Markdown of several paragraphs), or auto (free for "
        "an instruct model without an adapter, otherwise extract, or span for answers in few words).",
    )
    free_passages: int = Field(
        8, ge=1, le=100, description="Passages that the model reads together if reading is free."
    )
    free_new_tokens: int = Field(
        2048,
        ge=1,
        le=100_000,
        description="Maximum length of an answer in tokens if reading is free, including reasoning. Raise it "
        "for reasoning models.",
    )
    generator_url: ServerAddress | None = Field(
        None,
        description="OpenAI-compatible server that writes answers instead of this process, such as "
        "http://127.0.0.1:8000/v1.",
    )
    generator_api_key: SecretStr | None = Field(
        None, description="API key for generator_url, if that server requires one."
    )
    generator_connect_seconds: float = Field(
        5.0, gt=0, le=600, description="Seconds to wait for a connection to generator_url."
    )
    generator_read_seconds: float = Field(
        120.0,
        gt=0,
        le=86_400,
        description="Seconds without any data from generator_url after which a request fails.",
    )
    adapter: Name | None = Field(
        None,
        description="Adapter that answers if a question names none, such as bank or bank@3; base for no "
        "adapter.",
    )
    reranker: Name | None = Field(
        None,
        description="Cross-encoder that reorders search results: a folder or a Hugging Face id. It "
        "improves the order and slows down the search.",
    )
    relevance: bool = Field(
        False,
        description="Whether lines are read together with the question before one is chosen. Fewer wrong "
        "lines are shown for questions in other words than the documents', and an answer takes a fifth "
        "longer; some questions that are answered without it are not.",
    )
    chunk_tokens: int = Field(
        256,
        ge=32,
        le=8192,
        description="Maximum length of a passage in tokens. After a change, run `ingest --rebuild` for each "
        "collection.",
    )
    depth: int = Field(
        50,
        ge=1,
        le=1000,
        description="Passages that semantic and keyword search each return before they are fused. Raise it "
        "if a large collection misses passages.",
    )
    top_k: int = Field(5, ge=1, le=1000, description="Passages that a search returns.")
    read_k: int = Field(
        4,
        ge=1,
        le=100,
        description="Maximum number of passages that the model reads for an answer. Raise it if the right "
        "passage is found but not read; answers then take longer.",
    )
    max_new_tokens: int = Field(
        96,
        ge=1,
        le=4096,
        description="Maximum length of an answer in tokens, unless reading is free. Raise it if answers "
        "are cut "
        "off.",
    )
    prompt_cache_megabytes: int = Field(
        128,
        ge=0,
        le=1_000_000,
        description="Memory for prompts that the model in this process has read, in megabytes. Raise it if "
        "the same passages are asked about again and again.",
    )
    adapter_cache_megabytes: int = Field(
        256,
        ge=0,
        le=1_000_000,
        description="Memory for adapters of the model in this process, in megabytes; the least recently used "
        "leave. Raise it if many adapters take turns.",
    )
    max_question_chars: int = Field(
        2000, ge=1, le=100_000, description="Maximum length of a question in characters."
    )
    max_file_megabytes: int = Field(
        100, ge=1, le=10_000, description="Maximum size of one file to ingest, in megabytes."
    )
    ocr: Literal["auto", "off", "force"] = Field(
        "auto",
        description="Pages that OCR reads: auto (pictures and PDF pages without usable text), off (none) "
        "or force "
        "(pictures and every PDF page).",
    )
    wait_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="Seconds to wait for another process that writes to the same collection.",
    )
    elasticsearch_url: str | None = Field(
        None,
        pattern=r"^https?://[^@\s]+$",
        description="Elasticsearch cluster that stores the collections instead of the home folder; several "
        "nodes are separated by commas.",
    )
    elasticsearch_api_key: SecretStr | None = Field(None, description="API key for Elasticsearch.")
    elasticsearch_ca_file: FilePath | None = Field(
        None, description="Certificate of the authority that signed Elasticsearch's certificate."
    )
    elasticsearch_prefix: str = Field(
        "domainqa-",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,60}$",
        description="Prefix of the names of all indices in the cluster. Change it if two installations share "
        "a cluster.",
    )
    elasticsearch_analyzer: Name = Field(
        "domainqa",
        description="Elasticsearch analyzer for the text of new collections, such as ik_max_word from a "
        "plugin.",
    )
    elasticsearch_shards: int = Field(
        1,
        ge=1,
        le=1024,
        description="Number of primary shards of a new collection. Raise it above ten million passages.",
    )
    elasticsearch_timeout: float = Field(
        30.0, ge=1, le=3600, description="Seconds to wait for one request to Elasticsearch."
    )
    max_waiting: int = Field(
        32,
        ge=1,
        le=10_000,
        description="Maximum number of API questions that wait or are being answered; more get status 429.",
    )
    answer_seconds: float = Field(
        120.0,
        gt=0,
        le=86_400,
        description="Seconds after which an API question that has no answer gets status 503.",
    )
    stop_seconds: float = Field(
        8.0,
        ge=0,
        le=3600,
        description="Seconds for which open answers may go on after the server was told to stop. Then their "
        "clients get status 503, or an error event in a stream.",
    )
    append_sources: bool = Field(
        False,
        description="Append the list of sources to the text of answers over OpenAI's API, for clients that "
        "show neither annotations nor the field sources.",
    )
    host: Name = Field(
        "127.0.0.1",
        description="Address to listen on. An address other than localhost requires users or keys.",
    )
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 chooses a free port.")
    access: Literal["auto", "required"] = Field(
        "auto",
        description="Who must log in or send a key: auto (everyone, unless the server listens only on "
        "localhost and no proxy passed the request on) or required (everyone).",
    )
    allowed_hosts: tuple[Name, ...] = Field(
        (),
        description="Further host names that the server accepts in requests, such as that of a reverse "
        "proxy.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks of reverse proxies, such as 10.0.0.0/8, whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed.",
    )
    requests_per_minute: int = Field(
        300,
        ge=1,
        le=1_000_000,
        description="Maximum number of requests per minute for each key and each user; more get status 429.",
    )
    max_request_megabytes: int = Field(
        1000, ge=1, le=100_000, description="Maximum size of one request with all its files, in megabytes."
    )
    max_waiting_megabytes: int = Field(
        4000,
        ge=1,
        le=1_000_000,
        description="Maximum size of all uploads that are not ingested yet, in megabytes; more get "
        "status 429.",
    )
    use_server: Literal["auto", "off"] = Field(
        "auto",
        description="Whether commands work through a server that runs on the home: auto (if there is one) or "
        "off (always in their own process).",
    )
    log_requests: bool = Field(
        False, description="Write one line of JSON for each request to standard error."
    )
    language: Literal["en", "zh", "auto"] = Field(
        "auto",
        description="Language of the page, reports and commands. auto takes the browser's language for "
        "the page "
        "and English otherwise.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="Device that runs the models: auto (CUDA if there is a GPU), cpu, cuda or cuda:1.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads for the models; all cores by default. Lower it if other programs share "
        "the CPU.",
    )

    @field_validator("top_k", "read_k")
    @classmethod
    def _within_depth(cls, value: int, info: ValidationInfo) -> int:
        depth = info.data.get("depth")
        if depth is not None and value > depth:
            raise ValueError(f"should not be greater than depth, which is {depth}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then the file in the home that these two name."""
        home = init_settings().get("home") or env_settings().get("home") or default_home()
        file = TomlConfigSettingsSource(settings_cls, settings_file(Path(str(home))))
        return init_settings, env_settings, file

    @property
    def locale(self) -> Literal["en", "zh"]:
        """The language of reports and commands, where there is no browser."""
        return "en" if self.language == "auto" else self.language

    def check_question(self, question: str) -> None:
        """InputError for a question that is empty, too long or no text."""
        if not question.strip():
            raise InputError("The question is empty.", "Write a question.")
        if any("\ud800" <= char <= "\udfff" for char in question):
            raise InputError("The question is not valid Unicode.", "Write it in UTF-8.")
        if len(question) > self.max_question_chars:
            raise InputError(
                f"The question has {len(question):,} characters; at most "
                f"{self.max_question_chars:,} are read.",
                "Ask in fewer words, or put the long text into a document.",
            )

    def described(self) -> dict[str, object]:
        """Every setting as JSON may hold it, secrets masked: for logs and `doctor`."""
        return self.model_dump(mode="json")


def load_settings(overrides: Mapping[str, object], kind: type[Settings] = Settings) -> Settings:
    """The settings of this run; `overrides` come from the command line, None meaning "not given".

    Raises SettingsError with every problem: unknown keys, values that do not fit, an unreadable file.
    """
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    file = settings_file(home_of(given.get("home")))
    in_file = _read(file)
    places = {
        **dict.fromkeys(in_file, str(file)),
        **{name: f"environment variable {PREFIX}{name.upper()}" for name in in_environment()},
        **dict.fromkeys(given, "command line"),
    }
    unknown = [name for name in in_environment() if name not in kind.model_fields]
    problems = [f"{PREFIX}{name.upper()}: there is no such setting" for name in unknown]
    if "home" in in_file:
        problems.append(f"home ({file}): the home folder cannot be set by a file inside it")
    try:
        settings = kind(**given)
    except ValidationError as error:
        problems += [_problem(kind, places, str(detail["loc"][0]), detail) for detail in error.errors()]
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        known = ", ".join(kind.model_fields)
        raise SettingsError(f"These settings are not valid:{listed}", f"\nAvailable settings: {known}.")
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        cause = f"The settings file {file} is not valid TOML: {error}."
        raise SettingsError(cause, "Correct the file there.") from error
    except OSError as error:
        cause = f"The settings file {file} cannot be read: {error.strerror}."
        raise SettingsError(cause, "Make it readable, or remove it.") from error


def _problem(kind: type[Settings], places: Mapping[str, str], name: str, detail: Mapping[str, object]) -> str:
    place = places.get(name, "default")
    if detail["type"] == "extra_forbidden":
        return f"{name} ({place}): there is no such setting"
    message = str(detail["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    shown = "***" if "Secret" in str(kind.model_fields[name].annotation) else repr(detail["input"])
    return f"{name} ({place}): {message[:1].lower()}{message[1:]}, but is {shown}"
