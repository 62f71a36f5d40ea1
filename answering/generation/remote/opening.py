"""Reaches a server and learns what it can do, so that the right generator speaks to it."""

from answering.generation.remote.adapters import models_of
from answering.generation.remote.background import wait_for
from answering.generation.remote.counting import token_ids
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import RemoteGenerator, ScoringGenerator, first_token
from answering.generation.remote.patience import Patience
from answering.generation.remote.scoring import first_tokens
from answering.generation.remote.server import Server
from knowledge_base.errors import DomainqaError, InputError, NotFoundError

# Whoever waits for the opening is told at once that nobody is there.
_ONCE = Patience(attempts=1)
_SHOWN = 10
_STANDARD = Patience()


def open_remote(endpoint: Endpoint, patience: Patience = _STANDARD) -> RemoteGenerator:
    """The generator at a server that answers and serves the model; a Scorer if it gives log-probabilities.

    Raises UnavailableError if there is no answer, NotFoundError with the names that are served if the model
    is none of them.
    """
    return wait_for(_opened(endpoint, patience))


async def _opened(endpoint: Endpoint, patience: Patience) -> RemoteGenerator:
    probe = Server(endpoint, _ONCE)
    try:
        _check_model(endpoint, await models_of(probe))
        kind = ScoringGenerator if await _scores(probe) else RemoteGenerator
        tokenizes = await _tokenizes(probe)
    finally:
        await probe.close()
    return kind(Server(endpoint, patience), tokenizes)


def _check_model(endpoint: Endpoint, served: list[str]) -> None:
    """Ollama lists the tag "latest", which may be left out. A server that lists nothing is believed."""
    if not served or endpoint.model in served or f"{endpoint.model}:latest" in served:
        return
    shown = ", ".join(sorted(served)[:_SHOWN]) + (", …" if len(served) > _SHOWN else "")
    raise NotFoundError(
        f'The generator at {endpoint.url} serves no model named "{endpoint.model}". It serves: {shown}.',
        "Set generator to one of these names in the settings.",
    )


async def _tokenizes(server: Server) -> bool:
    """Whether the server tells tokens: some have no such route, and gateways word that in many ways."""
    try:
        return bool(await token_ids(server, "a"))
    except DomainqaError:
        return False


async def _scores(server: Server) -> bool:
    """Whether the server lists likely first tokens; some ignore the wish, some refuse it."""
    body = {"model": server.endpoint.model, "messages": [{"role": "user", "content": "a"}]}
    try:
        return bool(first_tokens(await first_token(server, body)))
    except InputError:
        return False
