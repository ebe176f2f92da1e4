"""The language of mails: texts by gettext, numbers and moments by Babel, reasons as the pass gives them."""

import gettext
import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from reconciler.config import Language

REASON = "reason"
"""The context of those texts of the catalogue that a pass gives: they are found by what they look like."""

_LOCALES = {Language.DUTCH: "nl_NL", Language.ENGLISH: "en_GB"}
_PLACE = re.compile(r"\\\{(\w+)\\\}")
_TRANSLATED = (Language.DUTCH,)


def text(english: str) -> str:
    """Given an English text that is translated where it is used, return it: so that it is found."""
    return english


def one_or_many(one: str, many: str) -> tuple[str, str]:
    """Given an English text for one and for many, return both: so that they are found."""
    return one, many


class Words:
    """One language in one time zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self._zone = zone
        self._locale = _LOCALES[language]
        self._texts = _translations(language)
        self._reasons = _reasons(language)

    @property
    def translations(self) -> gettext.NullTranslations:
        """The texts themselves, for templates."""
        return self._texts

    def gettext(self, text: str, **values: object) -> str:
        """Given an English text and what stands in its places, return it in this language."""
        return self._texts.gettext(text).format(**values)

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Given an English text for one and for many, return the one that fits in this language."""
        return self._texts.ngettext(one, many, count).format(count=self.number(count), **values)

    def reason(self, text: str) -> str:
        """Given a sentence that a pass gives as a reason, return it in this language, if it is known."""
        for pattern, translation in self._reasons:
            if found := pattern.fullmatch(text):
                return translation.format(
                    **{name: self.reason(part) for name, part in found.groupdict().items()}
                )
        return text

    def number(self, number: int) -> str:
        """Given a number, return it with its thousands marked."""
        return format_decimal(number, locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """Given a moment, return its date and time in the time zone of the mails."""
        return format_datetime(moment, "d MMMM yyyy HH:mm", tzinfo=self._zone, locale=self._locale)


@cache
def catalogue(language: Language) -> Catalog:
    """Given a language other than English, return its texts as they are kept."""
    source = files("reconciler").joinpath("locale", language, "LC_MESSAGES", "reconciler.po")
    with source.open("rb") as file:
        return read_po(file, locale=language)


@cache
def _translations(language: Language) -> gettext.NullTranslations:
    if language not in _TRANSLATED:
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _reasons(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The particular ones first: those with fewer open places."""
    if language not in _TRANSLATED:
        return ()
    known = [(str(one.id), str(one.string)) for one in catalogue(language) if one.context == REASON]
    known.sort(key=lambda pair: (pair[0].count("{"), -len(pair[0])))
    return tuple((_pattern(text), translation) for text, translation in known)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL)
