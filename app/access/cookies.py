"""Cookies of the log-in: the session, and that its user has logged in with this browser before."""

from starlette.datastructures import Headers

SESSION, DEVICE = "domainqa-session", "domainqa-device"
_MOST = 8  # values of one name that are looked at; other sites of the host may set more


def cookie_name(cookie: str, scheme: str) -> str:
    """A cookie's name: over TLS with the prefix that lets no other host of the domain set it in our place."""
    return f"__Host-{cookie}" if scheme == "https" else cookie


def cookie_values(headers: Headers, name: str) -> list[str]:
    """The values that a request brings under a name; cookies of others hide none, whatever they hold."""
    pairs = [pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";")]
    return [value for found, _, value in pairs if found == name and value][:_MOST]
