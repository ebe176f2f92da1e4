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
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def render(templates: Mapping[str, str], values: Mapping[str, str]) -> Fields:
    """Given templates by tag and a recipient's values, return the merge fields.

    A tag none of whose values OTYS sent is left out: it is not touched. Double blanks close up.
    """
    blank = _Blank(values)
    return {
        tag: " ".join(template.format_map(blank).split())
        for tag, template in templates.items()
        if not values.keys().isdisjoint(placeholders(template))
    }


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


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
