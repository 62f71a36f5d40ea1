"""How often a call is tried again, and after which pause: exponential back-off with jitter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """`attempts` in all; pauses double from `first_seconds` on; a longer wait than `longest_seconds` is none.

    A part of each pause is left to chance, so that many who failed together do not come back together.
    """

    attempts: int = 4
    first_seconds: float = 0.5
    longest_seconds: float = 20.0

    def pause(self, failures: int, asked: float | None, chance: float) -> float | None:
        """Seconds until the next attempt, None to give up.

        Args:
            failures: how many attempts have failed.
            asked: seconds that the server asked to wait, if it did.
            chance: a random number in 0…1.
        """
        if failures >= self.attempts or (asked or 0.0) > self.longest_seconds:
            return None
        usual = min(self.first_seconds * 2.0 ** (failures - 1), self.longest_seconds)
        return (asked or usual / 2) + chance * usual / 2
