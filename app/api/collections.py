"""`/v1/collections`: list, make and delete them."""

from fastapi import APIRouter

from app.api.caller import Caller
from app.api.shapes import Collection, NewCollection


def collection_routes() -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/collections", tags=["documents"])

    @routes.get("")
    def collections(session: Caller) -> tuple[Collection, ...]:
        """Every collection that the caller may see."""
        return tuple(map(Collection.model_validate, session.collections()))

    @routes.post("", status_code=201)
    def create(wanted: NewCollection, session: Caller) -> Collection:
        """Make an empty collection."""
        session.create_collection(wanted.name)
        return Collection.model_validate(session.collection(wanted.name))

    @routes.delete("/{collection}", status_code=204)
    def delete(collection: str, session: Caller) -> None:
        """Remove a collection with all its documents."""
        session.delete_collection(collection)

    return routes
