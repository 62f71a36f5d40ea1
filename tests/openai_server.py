"""A small real server of OpenAI's protocol on loopback, over a FakeGenerator; it can be told to misbehave."""

import asyncio
import json
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from answering.generation.protocol import Request as Asked
from knowledge_base.errors import InputError, NotFoundError
from retrieval.prompt import Message
from tests.fakes import _PIECE, FakeGenerator

BASE = "base"


@dataclass
class Behaviour:
    """What the server does; a test changes it while the server runs.

    `refusals` are statuses, with headers, that the next calls of the chat are answered with; `delay` are
    seconds before each piece, and before an answer in one; `drops_after` is the number of pieces after which
    the connection breaks; `lists` whether models are listed; `key` what must come along; `loads` whether
    adapters can be loaded, and `cannot_load` why none of them can; `ends` whether an answer says that it is
    over; `tells_usage` whether it says how many tokens it took, `usage_with_finish` that it does so in the
    chunk that ends the answer, as DeepSeek does; `reasoning` is what it thinks first, sent in the field
    `reasoning_field`, or as text where that is "content"; `finish` is why an answer ends; `ignores_stream`
    sends it in one piece; `withholds` leaves out the answer itself; `answers_with` is sent in its place.
    `window` is told as llama.cpp does, `lists_window` as vLLM does, `root` is the model behind a name.
    """

    refusals: deque[tuple[int, Mapping[str, str]]] = field(default_factory=deque)
    delay: float = 0.0
    drops_after: int | None = None
    breaks_down_after: int | None = None
    lists: bool = True
    tokenizes: bool = True
    scores: bool = True
    loads: bool = False
    cannot_load: str = ""
    ends: bool = True
    tells_usage: bool = True
    key: str = ""
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    finish: str = "stop"
    usage_with_finish: bool = False
    ignores_stream: bool = False
    withholds: bool = False
    answers_with: str | None = None
    window: int | None = None
    lists_window: int | None = None
    root: str | None = None


class OpenAIServer:
    """Use as `with OpenAIServer(generator) as server`; `stop` and `start` keep the port.

    `asked` collects the bodies of chats, `called` every path, `left` counts answers that were hung up on,
    `adapters` are the names of those that are served, each with its folder.
    """

    def __init__(self, generator: FakeGenerator, behaviour: Behaviour | None = None) -> None:
        self.generator = generator
        self.behaviour = behaviour or Behaviour()
        self.asked: list[dict[str, Any]] = []
        self.called: list[str] = []
        self.left = 0
        self.adapters: dict[str, str] = {}
        self._port = _free_port()
        self._ids: dict[str, int] = {}
        self._running: tuple[uvicorn.Server, threading.Thread] | None = None

    def reset(self) -> None:
        """Behave, forget what was asked, serve what was served at first, and listen if it does not."""
        self.behaviour = Behaviour()
        self.asked.clear()
        self.called.clear()
        self.left = 0
        for name in tuple(self.adapters):
            self.forget(name)
        if self._running is None:
            self.start()

    @property
    def url(self) -> str:
        """Where OpenAI's protocol begins."""
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before."""
        config = uvicorn.Config(
            self._routes(), port=self._port, log_level="critical", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        self._running = server, thread
        while not server.started:
            assert thread.is_alive(), "the test server did not start"
            time.sleep(0.005)

    def stop(self) -> None:
        """Close all connections; nobody answers then."""
        if self._running:
            server, thread = self._running
            server.should_exit = True
            thread.join(10)
            self._running = None

    def _routes(self) -> FastAPI:
        app = FastAPI(dependencies=[Depends(self._notice)])
        app.get("/v1/models")(self._models)
        app.post("/v1/chat/completions")(self._chat)
        app.post("/v1/load_lora_adapter")(self._load)
        app.post("/v1/unload_lora_adapter")(self._unload)
        app.post("/tokenize")(self._tokenize)
        app.get("/props")(self._props)
        return app

    async def _notice(self, request: Request) -> None:
        self.called.append(request.url.path)
        sent = request.headers.get("authorization", "")
        if self.behaviour.key and sent != f"Bearer {self.behaviour.key}":
            raise HTTPException(401, f"Incorrect API key provided: {sent}")

    async def _models(self) -> Response:
        if not self.behaviour.lists:
            raise HTTPException(404, "Not Found")
        names = [BASE, *self.adapters, *sorted(self.generator._adapters - self.adapters.keys())]
        return JSONResponse(
            {
                "object": "list",
                "data": [
                    {
                        "id": name,
                        "object": "model",
                        "max_model_len": self.behaviour.lists_window,
                        "root": self.behaviour.root,
                    }
                    for name in names
                ],
            }
        )

    async def _props(self) -> Response:
        """What llama.cpp tells of itself."""
        if self.behaviour.window is None:
            raise HTTPException(404, "Not Found")
        return JSONResponse({"default_generation_settings": {"n_ctx": self.behaviour.window}})

    async def _tokenize(self, request: Request) -> Response:
        if not self.behaviour.tokenizes:
            raise HTTPException(404, "Not Found")
        pieces = _PIECE.findall((await request.json())["prompt"])
        return JSONResponse({"tokens": [self._ids.setdefault(p, len(self._ids)) for p in pieces]})

    async def _load(self, request: Request) -> Response:
        body = await request.json()
        if not self.behaviour.loads:
            raise HTTPException(404, "Not Found")
        if self.behaviour.cannot_load:
            return _error(400, self.behaviour.cannot_load)
        if "lora_name" not in body:
            return _error(422, "lora_name is missing")
        if body["lora_name"] in self.adapters:
            return _error(400, f"The lora adapter '{body['lora_name']}' has already been loaded.")
        self.adapters[body["lora_name"]] = body["lora_path"]
        self.generator._adapters |= {body["lora_name"]}
        return PlainTextResponse("Success")

    async def _unload(self, request: Request) -> Response:
        name = (await request.json())["lora_name"]
        if name not in self.adapters:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        self.forget(name)
        return PlainTextResponse("Success")

    def forget(self, name: str) -> None:
        """The adapter is not served any more."""
        del self.adapters[name]
        self.generator._adapters -= {name}

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if self.behaviour.refusals:
            status, headers = self.behaviour.refusals.popleft()
            return _error(status, "not now", headers)
        self.asked.append(body)
        if self.behaviour.answers_with is not None:
            return PlainTextResponse(self.behaviour.answers_with)
        asked = self._understood(body)
        try:
            pieces = self.generator.stream(asked)
        except InputError as error:
            return _error(400, f"This model's maximum context length is exceeded: {error}")
        except NotFoundError:
            return _error(404, f"The model `{body['model']}` does not exist.")
        if self.behaviour.withholds:
            pieces = iter(())
        if body.get("stream") and not self.behaviour.ignores_stream:
            usage = self._usage(asked) if body.get("stream_options", {}).get("include_usage") else None
            return StreamingResponse(self._events(list(pieces), usage), media_type="text/event-stream")
        await self._think(request)
        message = {"role": "assistant", "content": "".join(pieces)}
        if thought := self.behaviour.reasoning:
            field = self.behaviour.reasoning_field
            message[field] = thought + message["content"] if field == "content" else thought
        told: dict[str, Any] = {"index": 0, "message": message, "finish_reason": self.behaviour.finish}
        if body.get("logprobs") and self.behaviour.scores:
            told["logprobs"] = self._scores(asked)
        return JSONResponse({"object": "chat.completion", "choices": [told], "usage": self._usage(asked)})

    async def _think(self, request: Request) -> None:
        """Take the delay before an answer in one piece, unless the caller hangs up."""
        end = time.monotonic() + self.behaviour.delay
        while time.monotonic() < end:
            if await request.is_disconnected():
                self.left += 1
                return
            await asyncio.sleep(0.01)

    def _understood(self, body: dict[str, Any]) -> Asked:
        pieces = {number: piece for piece, number in self._ids.items()}
        banned = [pieces[int(number)] for number in body.get("logit_bias", {})]
        return Asked(
            messages=tuple(Message(**message) for message in body["messages"]),
            adapter=None if body["model"] == BASE else body["model"],
            max_new_tokens=body.get("max_tokens") or body["max_completion_tokens"],
            temperature=body["temperature"],
            stop=tuple(body.get("stop", ())),
            unlike=banned[0] if banned else "",
        )

    def _scores(self, asked: Asked) -> dict[str, Any]:
        listed = [
            {"token": token, "logprob": min(self.generator.logprobs([asked], token)[0], 0.0) - 0.7}
            for token in (" yes", "Not", "文档", "No")
        ]
        return {"content": [{"token": " yes", "logprob": -0.7, "top_logprobs": listed}]}

    def _usage(self, asked: Asked) -> dict[str, Any] | None:
        """What the protocol tells of a reply; some servers leave it out."""
        if not self.behaviour.tells_usage:
            return None
        read = sum(self.generator.count_tokens([message.content for message in asked.messages]))
        details = {"cached_tokens": read - 1}
        return {"prompt_tokens": read, "completion_tokens": 2, "prompt_tokens_details": details}

    async def _events(self, pieces: list[str], usage: dict[str, Any] | None) -> AsyncIterator[str]:
        behaviour, whole = self.behaviour, False
        try:
            yield _chunk({"role": "assistant", "content": ""})
            for word in _PIECE.findall(behaviour.reasoning):
                await asyncio.sleep(behaviour.delay)
                yield _chunk({"content": None, behaviour.reasoning_field: word})
            for number, piece in enumerate(pieces):
                await asyncio.sleep(behaviour.delay)
                if number == behaviour.drops_after:
                    raise ConnectionError("told to drop the connection")
                if number == behaviour.breaks_down_after:
                    yield f"data: {json.dumps({'error': {'message': 'out of memory', 'code': 500}})}\n\n"
                    return
                yield _chunk({"content": piece})
            whole = True
            if behaviour.ends:
                at_once = usage if behaviour.usage_with_finish else None
                yield _chunk({"content": ""}, behaviour.finish, at_once)
                if usage and not at_once:
                    yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
                yield "data: [DONE]\n\n"
        finally:
            self.left += not whole


def _chunk(delta: dict[str, Any], reason: str | None = None, usage: object = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {"object": "chat.completion.chunk", "choices": [choice], "usage": usage, "error": None}
    return f"data: {json.dumps(chunk)}\n\n"


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status, dict(headers or {}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
