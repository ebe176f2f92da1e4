"""Knows the client settings of the integration and how they are spelled (facts/otys.md, 5 and 12)."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from string import ascii_uppercase

import structlog

from reconciler.api.decoding import DEEPEST, Undecodable, decode, is_deeper_than
from reconciler.api.ows import Call, OwsClient
from reconciler.api.ows_answers import Reply
from reconciler.api.values import IDENTITY, Json, switch, text
from reconciler.errors import BadRequest, ConfigurationError, PermissionDenied, Problem
from reconciler.model import Integration, ListUid
from reconciler.sources.mapping import OtysMapping, SettingCodes, method_name
from reconciler.sources.otys_fields import says_gone

GET_VALUE = method_name("CsmService", "getValue")
MAILCHIMP_KEY = re.compile(r"[0-9a-f]{32}-us[0-9]+", re.IGNORECASE)
SETTING_NAMES = ("integration", "user_name", "api_key", "permission_reminder", "synchronised_lists")
TO_BE_ACTIVE = ("integration", "user_name", "permission_reminder")
"""What the vendor's manual wants to be active."""
SECRET_NAMES = frozenset({"api_key"})

log = structlog.get_logger(__name__)


class SettingsError(ConfigurationError):
    """A client setting in OTYS cannot be used; the text says which, and why."""

    advice = "Correct it in OTYS Go!, or override it in `clients.NAME.otys.settings`."

    def __init__(self, code: str, message: str) -> None:
        self._sentence = f"setting {code}: {message}"
        super().__init__([Problem(code, message)], source="the client settings in OTYS")

    def __str__(self) -> str:
        return self._sentence


class SettingOrigin(StrEnum):
    """Where a setting's value comes from."""

    OTYS = "OTYS"
    CONFIGURATION = "configuration"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Setting:
    """One client setting as it was found."""

    name: str
    code: str
    origin: SettingOrigin
    value: Json = field(repr=False)

    @property
    def number(self) -> str:
        """Return the code as the vendor's manual writes it: 3109, but GE203."""
        return _number(self.code)

    @property
    def active(self) -> bool:
        """Whether it is switched on, or filled in."""
        return switch(self.value) is True if self.name == "integration" else bool(text(self.value))

    @property
    def shown(self) -> str:
        """Return the value for an operator's eyes, without what looks like a secret."""
        if self.name in SECRET_NAMES or looks_like_key(self.value):
            return "********" if self.active else ""
        return text(self.value)


@dataclass(frozen=True, slots=True)
class SettingsReport:
    """The client settings of the integration."""

    settings: tuple[Setting, ...]

    def __getitem__(self, name: str) -> Setting:
        """Given a setting's name in the mapping, return it."""
        return next(setting for setting in self.settings if setting.name == name)

    @property
    def inactive(self) -> tuple[Setting, ...]:
        """Return those of 3109, 3110 and 3121 that are not active, as the manual wants them to be."""
        return tuple(self[name] for name in TO_BE_ACTIVE if not self[name].active)


def named_overrides(codes: SettingCodes, overrides: Mapping[str, str]) -> dict[str, str]:
    """Given overrides by code or bare number, return them by name.

    Raise ConfigurationError with every code that is unknown.
    """
    names = {str(getattr(codes, name)).upper(): name for name in SETTING_NAMES}
    names |= {code.lstrip(ascii_uppercase): name for code, name in names.items()}
    known = ", ".join(map(_number, (getattr(codes, name) for name in SETTING_NAMES)))
    problems = [
        Problem(f"settings.{code}", f"the integration has no such setting; it has {known}")
        for code in overrides
        if code.strip().upper() not in names
    ]
    if problems:
        raise ConfigurationError(problems, source="the overridden settings")
    return {names[code.strip().upper()]: value for code, value in overrides.items()}


def read_settings(
    ows: OwsClient, mapping: OtysMapping, client_id: Json, overrides: Mapping[str, str]
) -> SettingsReport:
    """Given overrides by name, return every setting; those that are overridden are not asked.

    Raise RemoteError if OTYS cannot be asked, which is not the same as a setting that is not there.
    """
    codes = {name: str(getattr(mapping.settings, name)) for name in SETTING_NAMES}
    asked = [code for name, code in codes.items() if name not in overrides]
    found = _ask(ows, client_id, asked, mapping.settings.missing_messages) if asked else {}

    def setting(name: str, code: str) -> Setting:
        if name in overrides:
            return Setting(name, code, SettingOrigin.CONFIGURATION, overrides[name])
        value = found.get(code)
        origin = SettingOrigin.MISSING if value is None else SettingOrigin.OTYS
        return Setting(name, code, origin, value)

    return SettingsReport(tuple(setting(name, code) for name, code in codes.items()))


def integration_of(report: SettingsReport) -> Integration:
    """Given the settings, return what they mean. Raise SettingsError if one of them cannot be used."""
    on, reminder = report["integration"], report["permission_reminder"]
    if looks_like_key(reminder.value):
        raise SettingsError(
            reminder.number,
            "this holds a Mailchimp API key instead of a permission reminder; "
            f"put the key into {report['api_key'].number} and the text of the reminder here",
        )
    if on.origin is SettingOrigin.MISSING:
        log.warning("OTYS does not have this setting, so the integration counts as off", setting=on.number)
    enabled = switch(on.value)
    if enabled is None:
        raise SettingsError(on.number, "it is neither on nor off; 1 switches the integration on, 0 off")
    return Integration(
        enabled=enabled,
        user_name=text(report["user_name"].value),
        api_key=text(report["api_key"].value),
        permission_reminder=text(reminder.value),
        flagged=_flagged(report["synchronised_lists"]) if enabled else (),
    )


def looks_like_key(value: Json) -> bool:
    """Given a value, return whether it has the form of a Mailchimp API key."""
    return MAILCHIMP_KEY.fullmatch(text(value)) is not None


def _number(code: str) -> str:
    return code.removeprefix("SE")


def _ask(
    ows: OwsClient, client_id: Json, codes: Sequence[str], missing_messages: Collection[str]
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    # One unknown code may fail the whole list of codes; one by one says which it is.
    try:
        together = ows.call(GET_VALUE, [*codes], client_id)
    except BadRequest:
        together = None
    if isinstance(together, dict):
        found = {code: _value(together[code]) for code in codes if code in together}
    alone = [code for code in codes if found.get(code) is None]
    calls = [Call(GET_VALUE, (code, client_id, 0, 0)) for code in alone]
    for code, reply in zip(alone, ows.batch(calls), strict=True):
        found[code] = _alone(reply, missing_messages)
    return found


def _alone(reply: Reply, missing_messages: Collection[str]) -> Json:
    if reply.error is None:
        return _value(reply.result)
    if isinstance(reply.error, PermissionDenied) or not says_gone(reply.error, missing_messages):
        raise reply.error
    return None


def _value(entry: Json) -> Json:
    if isinstance(entry, dict):
        return entry.get("value")
    return entry if entry != [] else None


def _flagged(setting: Setting) -> tuple[ListUid, ...]:
    if setting.origin is SettingOrigin.MISSING:
        # Not the same as an empty one: taking it for empty would unlink every list.
        raise SettingsError(
            setting.number, "OTYS does not have this setting, so no list is known to be chosen"
        )
    value = setting.value
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        value = _collection_in(value, setting.number)
    if isinstance(value, str):
        value = [part.strip("\"'") for part in re.split(r"[,;\s]+", value)]
    if isinstance(value, dict):
        value = list(value.values())
    uids = [text(item, IDENTITY) for item in value] if isinstance(value, list) else [text(value)]
    return tuple(ListUid(uid) for uid in dict.fromkeys(uids) if uid)


def _collection_in(value: str, number: str) -> Json:
    try:
        collection: Json = decode(value, list) if value.strip().startswith("[") else decode(value, dict)
    except Undecodable:
        raise SettingsError(number, "this is no list of uids, although it begins as one") from None
    if is_deeper_than(collection, DEEPEST):
        raise SettingsError(number, "this is no list of uids, it is nested too deeply")
    return collection
