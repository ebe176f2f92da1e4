"""Which values Mailchimp takes for merge fields, facts/mailchimp.md, 2.7."""

import re
from collections.abc import Callable, Iterable, Mapping

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.problems import FieldError
from reconciler.sandbox.mailchimp.state import Address, FieldType, MergeField, MergeValue

_ISO_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_US_DATE = re.compile(r"(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])/(\d{4})")
_BIRTHDAY = re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])")
_US_PHONE = re.compile(r"\(?\d{3}\)?[- ]?\d{3}-?\d{4}")
_URL = re.compile(r"https?://\S+\.\S+")
_NOT_BLANK = "This value should not be blank."


class _Unfit(ValueError):
    """A value that does not fit its field."""


def accept(
    fields: Iterable[MergeField],
    given: Mapping[str, object],
    held: Mapping[str, MergeValue],
    *,
    skip_validation: bool,
) -> dict[str, MergeValue]:
    """Given the values sent and those held, return the values to hold. Raise Problem if one does not fit.

    An unknown tag is dropped in silence, 46. Skipping the validation lets a required field be blank and an
    address be incomplete; otherwise either blocks every write, also one that does not touch it, 48.
    """
    accepted: dict[str, MergeValue] = {}
    errors: list[FieldError] = []
    for field in fields:
        try:
            value = _fit(field, given[field.tag]) if field.tag in given else held.get(field.tag, "")
            if not skip_validation:
                _check_complete(field, value)
            if value != "":  # a blank is read as "" whether it was sent or never filled, 47
                accepted[field.tag] = value
        except _Unfit as unfit:
            errors.append(FieldError(field.tag, str(unfit)))
    if errors:
        raise problems.merge_fields_invalid(tuple(errors))
    return accepted


def _fit(field: MergeField, value: object) -> MergeValue:
    if value is None or value == "":
        return ""
    if field.type is FieldType.ADDRESS:
        return _address(value)
    if field.type is FieldType.NUMBER:
        return _number(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _Unfit("Please enter a text value")
    return _TEXT_FORMS.get(field.type, _any_text)(str(value), field)


def _check_complete(field: MergeField, value: MergeValue) -> None:
    if isinstance(value, Address) and not (value.addr1 and value.city and value.state and value.zip):
        raise _Unfit("Please enter a complete address")
    if field.required and value == "":
        raise _Unfit(_NOT_BLANK)


def _address(value: object) -> MergeValue:
    if not isinstance(value, dict):
        raise _Unfit("Please enter a complete address")
    parts = {name: str(value[name] or "").strip() for name in Address.__struct_fields__ if name in value}
    return Address(**parts) if any(parts.values()) else ""


def _number(value: object) -> MergeValue:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        number = float(str(value).replace(",", "."))
    except ValueError:
        raise _Unfit("Please enter a number") from None
    return int(number) if number.is_integer() else number


def _any_text(text: str, _: MergeField) -> str:
    return text


def _date(text: str, _: MergeField) -> str:
    if us_date := _US_DATE.fullmatch(text):
        month, day, year = us_date.groups()
        return f"{year}-{int(month):02}-{int(day):02}"
    if not _ISO_DATE.match(text):
        raise _Unfit("Please enter a valid date")
    return text[:10]


def _birthday(text: str, _: MergeField) -> str:
    if not _BIRTHDAY.fullmatch(text):
        raise _Unfit("Please enter a month (01-12) and a day (01-31)")
    return text


def _phone(text: str, field: MergeField) -> str:
    if field.phone_format == "US" and not _US_PHONE.fullmatch(text):
        raise _Unfit("Please enter a valid phone number")
    return text


def _url(text: str, _: MergeField) -> str:
    if not _URL.fullmatch(text):
        raise _Unfit("Please enter a valid URL")
    return text


def _choice(text: str, field: MergeField) -> str:
    if text not in field.choices:
        raise _Unfit(f"Value must be one of: {', '.join(field.choices)}")
    return text


def _zip(text: str, _: MergeField) -> str:
    if not re.fullmatch(r"\d{5}", text):
        raise _Unfit("Please enter a zip code (5 digits)")
    return text


_TEXT_FORMS: dict[FieldType, Callable[[str, MergeField], str]] = {
    FieldType.DATE: _date,
    FieldType.BIRTHDAY: _birthday,
    FieldType.PHONE: _phone,
    FieldType.URL: _url,
    FieldType.IMAGE_URL: _url,
    FieldType.RADIO: _choice,
    FieldType.DROPDOWN: _choice,
    FieldType.ZIP: _zip,
}
