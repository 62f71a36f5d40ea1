"""A failure as OpenAI's clients read it: {"error": {"message", "type", "param", "code"}}."""


def error_shape(message: str, kind: str, code: str | None = None, param: str | None = None) -> object:
    """The body of a response; `kind` is what OpenAI calls type."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
