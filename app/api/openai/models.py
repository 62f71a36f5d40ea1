"""`GET /v1/models`: what `model` can name."""

from typing import Literal

from fastapi import APIRouter

from app.api.dependencies import Caller
from app.api.errors import ModelNotFoundError
from app.api.openai.reply import is_known
from app.schema import Shape


class Model(Shape):
    """Something that `model` can name: the base model, an adapter, or a version of one."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "domainqa"


class Models(Shape):
    """All of them, the one that answers by default first."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def model_routes() -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.get("/models")
    def models(session: Caller) -> Models:
        """The base model and the adapters, the one that answers by default first."""
        return Models(data=tuple(Model(id=name) for name in session.adapters()))

    @routes.get("/models/{name:path}")
    def model(name: str, session: Caller) -> Model:
        """One of them, or a version of an adapter, such as "bank@3"."""
        if not is_known(session, name):
            raise ModelNotFoundError(f"There is no model or adapter {name}.", "GET /v1/models lists them.")
        return Model(id=name)

    return routes
