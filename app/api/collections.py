"""`/v1/collections`: list, make and delete them."""

from fastapi import APIRouter

from app.api.caller import Editor, Reader
from app.api.shapes import Collection, NewCollection
from app.page.service import Service


def collection_routes(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/collections", tags=["documents"])

    @routes.get("")
    def collections(caller: Reader) -> tuple[Collection, ...]:
        """Every collection that the caller may see."""
        return tuple(
            Collection.model_validate(info) for info in service.collections() if caller.sees(info.name)
        )

    @routes.post("", status_code=201)
    def create(wanted: NewCollection, caller: Editor) -> Collection:
        """Make an empty collection."""
        name = caller.enter(wanted.name)
        service.create_collection(name)
        return next(Collection.model_validate(info) for info in service.collections() if info.name == name)

    @routes.delete("/{collection}", status_code=204)
    def delete(collection: str, caller: Editor) -> None:
        """Remove a collection with all its documents."""
        service.delete_collection(caller.enter(collection))

    return routes
