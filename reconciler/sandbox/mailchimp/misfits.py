"""How Mailchimp words a body that has not the specified form: as its schema checker does."""

import re

import msgspec

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.problems import Problem

_WRONG_TYPE = re.compile(r"Expected `(?P<wanted>.+)`, got `(?P<given>\w+)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "null": "NULL"}


def misfit(error: msgspec.ValidationError) -> Problem:
    """Given what is wrong with the form of a body, return the 400 that says so in Mailchimp's words."""
    message, _, where = str(error).partition(" - at `$")
    return problems.invalid_field(where.strip(".`"), _in_their_words(message))


def _in_their_words(message: str) -> str:
    if missing := _MISSING.match(message):
        return f"Required fields were not provided: {missing['name']}"
    if wrong := _WRONG_TYPE.match(message):
        wanted, given = wrong["wanted"].split(" | ")[0], wrong["given"]
        return f"Schema describes {_TYPES.get(wanted, wanted)}, {_TYPES.get(given, given)} found instead"
    return message
