"""Merge fields: rendered from what OTYS holds, and merged three-way with what Mailchimp shows. Pure."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model import Fields
from reconciler.policy import FieldConflicts


@lru_cache(maxsize=256)
def placeholders(template: str) -> tuple[str, ...]:
    """Given a template such as "{infix} {last_name}", return the names it uses.

    Raise ValueError when the template is malformed.
    """
    return tuple(name for _, name in _pieces(template) if name)


def render(templates: Mapping[str, str], values: Mapping[str, str]) -> Fields:
    """Given templates by tag and a recipient's values, return the merge fields.

    A tag none of whose values OTYS sent is left out: it is not touched. Double blanks close up.
    """
    return {
        tag: " ".join(_filled(template, values).split())
        for tag, template in templates.items()
        if not values.keys().isdisjoint(placeholders(template))
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    # Formatting it anew for each of a million recipients takes four times as long.
    return "".join([text + values.get(name, "") for text, name in _pieces(template)])


@lru_cache(maxsize=256)
def _pieces(template: str) -> tuple[tuple[str, str], ...]:
    """What stands before each name, and the name; after the last name there is none."""
    return tuple((text, name or "") for text, name, _, _ in string.Formatter().parse(template))


@dataclass(frozen=True, slots=True)
class Merge:
    """What a three-way merge of one contact's fields comes to."""

    writes: Fields
    """The fields to write to Mailchimp."""
    base: Fields
    """The values of OTYS that are acknowledged once the writes are true."""


def merge(
    *, base: Fields, otys: Fields, mailchimp: Fields, conflicts: FieldConflicts = FieldConflicts.OTYS
) -> Merge:
    """Given the last acknowledged values, OTYS' and Mailchimp's, return what to write and to acknowledge.

    Changed in OTYS only: written. Changed in Mailchimp only: kept. Changed in both: `conflicts` decides.
    An empty value of OTYS erases only what came from us.
    """
    writes: dict[str, str] = {}
    acknowledged = dict(base)
    for tag, value in otys.items():
        known, shown = base.get(tag), mailchimp.get(tag, "")
        acknowledged[tag] = value
        if value in (shown, known):
            continue
        only_otys_changed = shown == (known or "")
        if only_otys_changed or (value != "" and conflicts is FieldConflicts.OTYS):
            writes[tag] = value
    return Merge(writes, acknowledged)
