"""The session in which a request acts."""

from typing import Annotated

from fastapi import Depends, Request

from app.session import Session


def session_of(request: Request) -> Session:
    """The workspace as the principal whom the middleware found may use it."""
    return Session(request.app.state.workspace, request.state.principal)


Caller = Annotated[Session, Depends(session_of)]
