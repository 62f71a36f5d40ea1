"""Users and their sessions: passwords are hashed, guessing is slowed, and ends count at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.access.attempts import Attempts, Source, TooManyFailuresError
from app.access.database import AccessDatabase
from app.access.store import LIFE_SECONDS, SessionStore
from app.access.users import RefusedError, UserStore
from app.access.values import grant
from knowledge_base.errors import InputError, NotFoundError

PASSWORD = "correct horse"  # noqa: S105


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(tmp_path: Path, clock: Clock) -> UserStore:
    made = UserStore(AccessDatabase(tmp_path), clock)
    made.add("Li", PASSWORD, grant("editor", ["bank"]))
    return made


@pytest.fixture
def sessions(users: UserStore, clock: Clock) -> SessionStore:
    return SessionStore(users.database, clock)


def test_the_right_password_logs_in_under_the_stored_name(users: UserStore) -> None:
    assert users.list()[0].last_login == ""
    assert users.check("li", PASSWORD) == "Li"
    assert users.list()[0].last_login == users.list()[0].created


def test_the_file_holds_no_password(users: UserStore) -> None:
    content = users.database.file.read_bytes()
    assert PASSWORD.encode() not in content
    assert b"$argon2id$" in content


@pytest.mark.parametrize(
    ("name", "password"), [("Li", "wrong horse"), ("nobody", PASSWORD), ("", ""), ("Li", "x" * 5000)]
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_message(
    users: UserStore, name: str, password: str
) -> None:
    with pytest.raises(RefusedError, match=r"^The name or the password is wrong. Try again.$"):
        users.check(name, password)


@pytest.mark.parametrize("name", ["Li", "nobody"])
def test_guessing_has_to_wait_longer_each_time_up_to_a_minute(
    users: UserStore, clock: Clock, name: str
) -> None:
    pauses = []
    for _ in range(8):
        with pytest.raises(RefusedError):
            users.check(name, "wrong horse")
        try:
            users.check(name, "wrong again")
        except TooManyFailuresError as error:
            pauses.append(error.seconds)
            clock.now += error.seconds
        except RefusedError:
            pauses.append(0)
    assert pauses[:2] == [0, 0]
    assert pauses[2:] == [2, 4, 8, 16, 32, 60]


def test_many_guesses_at_once_are_slowed_as_if_they_came_one_by_one(users: UserStore) -> None:
    def guess(number: int) -> str:
        try:
            return users.check("Li", f"wrong horse {number}")
        except (RefusedError, TooManyFailuresError) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(12)))
    assert sorted(found) == ["RefusedError"] * 5 + ["TooManyFailuresError"] * 7


def test_the_right_password_must_wait_too_and_then_clears_the_count(users: UserStore, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(RefusedError):
            users.check("Li", "wrong horse")
    with pytest.raises(TooManyFailuresError):
        users.check("lI", PASSWORD)
    clock.now += 2
    assert users.check("Li", PASSWORD) == "Li"
    with pytest.raises(RefusedError):
        users.check("Li", "wrong horse")
    assert users.check("Li", PASSWORD) == "Li"


def guess(users: UserStore, name: str, source: Source, times: int) -> None:
    for _ in range(times):
        with pytest.raises(RefusedError):
            users.check(name, "wrong horse", source)


def test_who_guesses_is_slowed_and_the_user_elsewhere_is_not(users: UserStore) -> None:
    guess(users, "li", Source("203.0.113.5"), 5)
    with pytest.raises(TooManyFailuresError):
        users.check("li", PASSWORD, Source("203.0.113.5"))
    assert users.check("li", PASSWORD, Source("198.51.100.7")) == "Li"


def test_an_address_is_slowed_whatever_names_it_tries(users: UserStore) -> None:
    for number in range(20):
        guess(users, f"name{number}", Source(f"2001:db8::{number:x}"), 1)
    with pytest.raises(TooManyFailuresError):
        users.check("li", PASSWORD, Source("2001:db8::ffff"))
    assert users.check("li", PASSWORD, Source("2001:db8:0:1::1")) == "Li"


def test_a_known_browser_never_waits_for_the_guesses_of_others(users: UserStore, clock: Clock) -> None:
    attempts = Attempts(users.database, clock)
    mine, theirs = Source("192.0.2.1", attempts.new_device("Li")), Source("192.0.2.1", "made up")
    for number in range(10):
        guess(users, "li", Source(f"203.0.113.{number}"), 5)
    with pytest.raises(TooManyFailuresError):
        users.check("li", PASSWORD, theirs)
    assert users.check("li", PASSWORD, mine) == "Li"
    guess(users, "li", mine, 5)
    with pytest.raises(TooManyFailuresError):
        users.check("li", PASSWORD, mine)


def test_right_passwords_from_one_office_are_not_counted(users: UserStore) -> None:
    for _ in range(30):
        assert users.check("li", PASSWORD, Source("192.0.2.1")) == "Li"


def test_a_new_password_ends_the_wait(users: UserStore) -> None:
    guess(users, "li", Source("192.0.2.1"), 5)
    users.change_password("Li", "battery staple")
    assert users.check("li", "battery staple", Source("192.0.2.1")) == "Li"


def test_names_are_taken_whatever_their_case(users: UserStore) -> None:
    with pytest.raises(InputError, match="already"):
        users.add("LI", PASSWORD, grant("reader"))


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_passwords_have_a_length(users: UserStore, password: str) -> None:
    with pytest.raises(InputError, match="characters"):
        users.add("wang", password, grant("reader"))
    assert [user.name for user in users.list()] == ["Li"]


def test_an_unknown_user_is_an_error(users: UserStore) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        users.remove("nobody")
    with pytest.raises(NotFoundError, match="nobody"):
        users.change_password("nobody", PASSWORD)


def test_a_session_is_its_users_until_it_is_over(sessions: SessionStore, clock: Clock) -> None:
    secret = sessions.begin("Li")
    found = sessions.principal(secret)
    assert found is not None
    assert (found.name, found.role, found.collections, found.kind) == (
        "Li",
        "editor",
        frozenset({"bank"}),
        "user",
    )
    assert secret.encode() not in sessions.database.file.read_bytes()
    clock.now += LIFE_SECONDS
    assert sessions.principal(secret) is None


def test_a_session_ends_by_log_out_alone(sessions: SessionStore) -> None:
    one, other = sessions.begin("Li"), sessions.begin("Li")
    sessions.end(one)
    assert sessions.principal(one) is None
    assert sessions.principal(other) is not None
    assert sessions.principal("made up") is None


def test_another_password_ends_the_sessions(users: UserStore, sessions: SessionStore) -> None:
    secret = sessions.begin("Li")
    users.change_password("li", "battery staple")
    assert sessions.principal(secret) is None
    assert users.check("Li", "battery staple") == "Li"
    with pytest.raises(RefusedError):
        users.check("Li", PASSWORD)


def test_the_sessions_of_a_removed_user_end(users: UserStore, sessions: SessionStore) -> None:
    secret = sessions.begin("Li")
    users.remove("Li")
    users.add("Li", PASSWORD, grant("admin"))
    assert sessions.principal(secret) is None
