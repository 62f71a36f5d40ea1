"""Whether callers have to say who they are: by the address that is listened on, and the settings."""

from ipaddress import ip_address

from app.settings import Settings

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never bound


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def asks(settings: Settings) -> bool:
    """Whether callers need a key or a log-in."""
    return settings.access == "required" or not is_loopback(settings.host)


def host_names(settings: Settings) -> frozenset[str]:
    """Names under which the server may be called; empty for any.

    Where callers are asked who they are, a foreign name that points here gains nothing: cookies belong to a
    name. A server on all addresses therefore answers to any name, unless the settings tell its names.
    """
    if settings.host in _EVERY_ADDRESS and not settings.allowed_hosts:
        return frozenset()
    named = {name.lower() for name in (settings.host, *settings.allowed_hosts)}
    return frozenset({"localhost", "127.0.0.1", "::1", *named})
