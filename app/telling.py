"""What messages tell who does not run the machine: everything but where things lie and what is hidden."""

import re
from pathlib import Path

from app import log
from app.access.values import Principal
from knowledge_base.errors import DomainqaError

# /srv/handbook/fees.pdf becomes fees.pdf. A path of an address or of a route is none of the machine.
_PLACE = re.compile(r"(?<![\w.:/~-])/(?!v1/)(?:[^\s/,;:'\"]+/)+")
_OTHERS = re.compile(r"; there is: .*?(?=\.(?:\s|$))")


def told(text: str, principal: Principal, home: Path) -> str:
    """A message as a caller may read it: an admin reads all of it.

    Others read no path of the server's machine, and who is limited to some collections no list of all.
    """
    if principal.may("admin"):
        return text
    if principal.collections is not None:
        text = _OTHERS.sub("", text)
    text = text.replace(f"{home}/", "").replace(str(home), "the home folder")
    return _PLACE.sub("", text)


def tell(error: DomainqaError, principal: Principal, home: Path) -> DomainqaError:
    """The error as a caller may read it; the log has the whole of what is left out."""
    cause, remedy = (told(text, principal, home) for text in (error.cause, error.remedy))
    if (cause, remedy) != (error.cause, error.remedy):
        log.write("problem", caller=principal.name, reason=str(error))
        DomainqaError.__init__(error, cause, remedy)
    return error
