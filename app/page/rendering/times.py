"""Times and durations as people read them."""

from datetime import datetime

from app.page.texts import Texts

_MINUTE = 60  # seconds of a minute, and minutes of an hour


def moment(text: str) -> str:
    """An ISO time as this machine's clock showed it, to the minute; any other text as it is."""
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text


def duration(seconds: float, texts: Texts) -> str:
    """Seconds below a minute, minutes below an hour, then hours and minutes."""
    whole = max(0, round(seconds))
    minutes = round(whole / _MINUTE)
    if whole < _MINUTE:
        return texts.seconds.format(n=whole)
    if minutes < _MINUTE:
        return texts.minutes.format(n=minutes)
    return texts.hours.format(h=minutes // _MINUTE, m=minutes % _MINUTE)
