"""Paths under /v1 that lead nowhere: told as failures of the API, not as the page's."""

from fastapi import APIRouter, HTTPException, Request

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def elsewhere() -> APIRouter:
    """The route that takes what no route before it takes."""
    routes = APIRouter()

    @routes.api_route("/v1/{path:path}", methods=_METHODS, include_in_schema=False)
    def nowhere(path: str, request: Request) -> None:
        """Say that there is no such route."""
        raise HTTPException(404, f"There is no {request.method} /v1/{path}; /docs lists what there is.")

    return routes
