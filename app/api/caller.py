"""Who calls, and what a route asks of him."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.access.values import Principal, Right


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request, and the right that its route needs."""

    principal: Principal
    right: Right

    def enter(self, collection: str) -> str:
        """The collection's name, if this caller may do here what the route does; ForbiddenError otherwise."""
        self.principal.require(self.right, collection)
        return collection

    def sees(self, collection: str) -> bool:
        """Whether a list shows him that collection."""
        return self.principal.sees(collection)


def needs(right: Right) -> Callable[[Request], Caller]:
    """The dependency of a route that needs a right; who lacks it gets a ForbiddenError."""

    def caller(request: Request) -> Caller:
        principal: Principal = request.state.principal  # put there by what guards the server
        principal.require(right)
        return Caller(principal, right)

    return caller


Reader = Annotated[Caller, Depends(needs("read"))]
Editor = Annotated[Caller, Depends(needs("write"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
