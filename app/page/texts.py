"""Every word that the page shows, by language."""

from app.page.text_fields import Language, Texts
from app.page.texts_en import EN
from app.page.texts_zh import ZH

__all__ = ["EN", "LANGUAGES", "ZH", "Language", "Texts", "preferred", "texts_of"]

LANGUAGES: tuple[tuple[str, Language], ...] = (("English", "en"), ("中文", "zh"))

_BY_LANGUAGE: dict[str, Texts] = {"en": EN, "zh": ZH}


def texts_of(language: str) -> Texts:
    """The words of a language; English for any other than Chinese."""
    return _BY_LANGUAGE.get(language, EN)


def preferred(browser_language: str) -> Language:
    """The language of the page for a browser's language tag: Chinese for zh, zh-CN, zh-Hant-TW …"""
    return "zh" if browser_language.lower().split("-")[0] == "zh" else "en"
