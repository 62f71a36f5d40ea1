"""What a path asks of its caller, before the function behind it looks closer."""

from app.access.values import Right

LOGIN, LOGOUT = "/login", "/logout"
_OPEN = frozenset(
    {("GET", "/healthz"), ("GET", "/readyz"), ("GET", LOGIN), ("POST", LOGIN), ("POST", LOGOUT)}
)
# Reports quote documents, whatever their collection. Uploads fill the disk before any function sees them.
_ADMIN = ("/reports/",)
_WRITE = ("/gradio_api/upload",)


def is_open(method: str, path: str) -> bool:
    """Whether anybody may call it."""
    return (method, path) in _OPEN


def right_for(path: str) -> Right:
    """The right that every call of it needs."""
    if path.startswith(_ADMIN):
        return "admin"
    return "write" if path.startswith(_WRITE) else "read"
