"""Knows the small grammars of configuration values: schedules, addresses to listen on, URLs, templates."""

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

PLACEHOLDERS = ("first_name", "infix", "last_name", "name", "language", "email", "kind")
"""What a merge field template may name."""

Below = tuple[str | int, ...]


class Misfit(ValueError):
    """Values that do not fit together: each with where, below or `up` levels above the value checked."""

    def __init__(self, found: Sequence[tuple[Below, str]], *, up: int = 0) -> None:
        self.found = tuple(found)
        self.up = up
        super().__init__("; ".join(message for _, message in found))


def meant(word: str, known: Iterable[str]) -> str:
    """Given a word and the known ones, return `; did you mean "…"?`, or nothing if none is close."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return f'; did you mean "{by_folded[close[0]]}"?' if close else ""


# -- when ----------------------------------------------------------------------------------------------

_EVERY = re.compile(r"every (?:(\d{1,6}) )?(second|minute|hour)s?", re.IGNORECASE)
_CRON_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("day of week", 0, 7, "sun mon tue wed thu fri sat"),
)
_CRON_ITEM = re.compile(r"(?:\*|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:/(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When passes start: every so often, or as a cron line says."""

    text: str
    every: timedelta | None
    """None for a cron line."""

    def __str__(self) -> str:
        return self.text


def read_schedule(value: object) -> Schedule:
    """Given "every 5 minutes" or a cron line of five fields, return it. Raise ValueError otherwise."""
    text = " ".join(_text(value).split())
    if every := _EVERY.fullmatch(text):
        count = int(every[1] or "1")
        if not count:
            raise ValueError("must be at least 1 second apart")
        return Schedule(text, timedelta(**{f"{every[2].lower()}s": count}))
    fields = text.lower().split(" ")
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError('must be "every N seconds", "every N minutes", "every N hours" or five cron fields')
    for field, (name, lowest, highest, words) in zip(fields, _CRON_FIELDS, strict=True):
        _check_cron_field(field, name, range(lowest, highest + 1), words.split())
    return Schedule(text, None)


def cron_values(field: str, place: int) -> tuple[int, ...]:
    """Given a correct field of a cron line and its place, return every number it stands for.

    A day of the week is 0 to 7, and both ends are Sunday.
    """
    _, lowest, highest, words = _CRON_FIELDS[place]
    numbers = {word: lowest + index for index, word in enumerate(words.split())}
    found: set[int] = set()
    for item in field.lower().split(","):
        parts = _CRON_ITEM.fullmatch(item)
        if parts is None:
            raise ValueError(f"{field!r} is no field of a cron line")
        first, last, step = parts.groups()
        start = lowest if first is None else _cron_number(first, numbers)
        end = _cron_number(last, numbers) if last else start if first and not step else highest
        found.update(range(start, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _cron_number(text: str, numbers: Mapping[str, int]) -> int:
    return numbers[text] if text.isalpha() else int(text)


def _check_cron_field(field: str, name: str, allowed: range, words: Sequence[str]) -> None:
    numbers = {word: allowed.start + index for index, word in enumerate(words)}
    for item in field.split(","):
        parts = _CRON_ITEM.fullmatch(item)
        if parts is None or not _fits(parts[1], parts[2], parts[3], allowed, numbers):
            raise ValueError(
                f"has a cron field that is wrong: the {name} goes from {allowed.start} to {allowed[-1]}"
            )


def _fits(
    first: str | None, last: str | None, step: str | None, allowed: range, numbers: Mapping[str, int]
) -> bool:
    ends = [numbers.get(end, -1) if end.isalpha() else int(end) for end in (first, last) if end]
    return all(end in allowed for end in ends) and ends == sorted(ends) and (step is None or int(step) > 0)


def read_timezone(value: object) -> zoneinfo.ZoneInfo:
    """Given the name of a time zone, return it. Raise ValueError if there is none of that name."""
    text = _text(value)
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        suggestion = meant(text, zoneinfo.available_timezones())
        raise ValueError(f'must be the name of a time zone, such as "Europe/Amsterdam"{suggestion}') from None


# -- where ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """The address and port the HTTP server listens on."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_listen(value: object) -> Listen:
    """Given "host:port", return it; an IPv6 host stands in brackets. Raise ValueError otherwise."""
    parts = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]/]+)):(\d{1,5})", _text(value))
    if not parts or int(parts[3]) > 65535:  # noqa: PLR2004 - the highest port there is
        raise ValueError('must be "host:port", such as "127.0.0.1:8080"')
    return Listen(parts[1] or parts[2], int(parts[3]))


def is_loopback(host: str) -> bool:
    """Given a host, return whether it is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Given a URL, return whether its host is this machine itself."""
    return is_loopback(urlsplit(url).hostname or "")


def safe_endpoint(url: str) -> str:
    """Given a service's URL, return it. Raise ValueError unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("must be a URL that begins with https://")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password; keys have places of their own")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://, because keys and addresses travel to it")
    return url


# -- what ----------------------------------------------------------------------------------------------


def client_name(name: str) -> str:
    """Given a client's name, return it. Raise ValueError unless it is short and plain."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9]|[-_](?![-_])){0,39}", name):
        raise ValueError(
            "a client's name has at most 40 characters: small letters, digits, and single - or _ between"
        )
    return name


def merge_field_tag(tag: str) -> str:
    """Given the tag of a merge field, return it. Raise ValueError if Mailchimp would not have it.

    The form is that of facts/mailchimp.md, 45.
    """
    if not re.fullmatch(r"[A-Z0-9_]{1,10}", tag):
        raise ValueError("a merge field's tag has 1 to 10 characters: A to Z, 0 to 9 and _")
    if tag == "EMAIL":
        raise ValueError("EMAIL is the address itself, which cannot be set as a merge field")
    return tag


def field_template(text: str) -> str:
    """Given a template of a merge field, return it. Raise ValueError if it names an unknown value."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise ValueError("has a brace without its partner; a literal brace is written twice") from None
    for _, name, form, conversion in parts:
        if form or conversion:
            raise ValueError("may hold only plain placeholders, such as {first_name}")
        if name is not None and name not in PLACEHOLDERS:
            choices = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise ValueError(
                f"names a value that does not exist; there are {choices}{meant(name, PLACEHOLDERS)}"
            )
    return text


def mail_address(text: str) -> str:
    """Given an e-mail address, return it. Raise ValueError if nobody could have it."""
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("is not a valid e-mail address") from None
    return text


def country_code(text: str) -> str:
    """Given a country, return it. Raise ValueError unless it is a code of two capitals.

    Mailchimp takes an invalid code for US without a word (facts/mailchimp.md, 1.1).
    """
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError('must be a country code of two capitals, such as "NL"')
    return text


def one_or_many(value: object) -> object:
    """Given one text or a list, return a tuple; anything else as it is."""
    return (value,) if isinstance(value, str) else _tuple(value)


def split_uids(value: object) -> object:
    """Given uids in one text, as OTYS keeps them, or in a list, return a tuple; anything else as it is."""
    return tuple(re.findall(r"[^,;\s]+", value)) if isinstance(value, str) else _tuple(value)


def switch(value: object) -> object:
    """Given 0 or 1, as OTYS keeps a switch, return a boolean; anything else as it is."""
    known: Mapping[object, bool] = {"0": False, "1": True, 0: False, 1: True}
    return known.get(value, value) if isinstance(value, str | int) else value


def path_with_a_name(path: Path) -> Path:
    """Given a path, return it. Raise ValueError if it is empty, which would mean the current folder."""
    if path == Path():
        raise ValueError("must not be empty")
    return path


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004 - only a ValueError becomes a problem
    return value
