"""Everything about users and keys of one home, in one value."""

from pathlib import Path

from app.access.database import AccessDatabase
from app.access.keys import KeyStore
from app.access.sessions import SessionStore
from app.access.users import UserStore


class AccessStore:
    """Users, keys and sessions of one home; safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        database = AccessDatabase(home)
        self.keys = KeyStore(database)
        self.users = UserStore(database)
        self.sessions = SessionStore(database)

    def is_empty(self) -> bool:
        """Whether nobody could log in or show a key."""
        return not self.keys.list() and not self.users.list()
