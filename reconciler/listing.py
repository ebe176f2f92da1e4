"""The recipients of a list, brought together by address: several of them become one contact. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from reconciler.address import normalise, refuse_reason
from reconciler.fields import render
from reconciler.model import Address, Fields, Person, Recipient

ERASED = "erased on request and never added again: take them off the list in OTYS"


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One address of a list, with everybody behind it; the first person gives the fields."""

    address: Address
    persons: tuple[Person, ...]
    fields: Fields
    opted_out: bool


@dataclass(frozen=True, slots=True)
class Invalid:
    """A recipient whose address cannot be sent to, and why."""

    person: Person
    email: str
    reason: str
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Listings:
    """A list by address, and the recipients that have no usable one."""

    by_address: Mapping[Address, Listed]
    invalid: tuple[Invalid, ...]


def bring_together(recipients: Iterable[Recipient], templates: Mapping[str, str]) -> Listings:
    """Given a list's recipients and the field templates, return one entry an address.

    The winner of a shared address is the person with the lowest uid, so it does not flap. Any opt-out wins.
    """
    by_address: defaultdict[Address, list[Recipient]] = defaultdict(list)
    invalid: list[Invalid] = []
    for recipient in recipients:
        if recipient.erased:
            invalid.append(Invalid(recipient.person, "", ERASED))
            continue
        address = normalise(recipient.email)
        reason = refuse_reason(address)
        if reason:
            invalid.append(Invalid(recipient.person, recipient.email.strip(), reason, recipient.opted_out))
        else:
            by_address[address].append(recipient)
    return Listings(
        {address: _join(address, sharers, templates) for address, sharers in by_address.items()},
        tuple(invalid),
    )


def _join(address: Address, sharers: Sequence[Recipient], templates: Mapping[str, str]) -> Listed:
    first, *others = sharers if len(sharers) == 1 else sorted(sharers, key=_seniority)
    return Listed(
        address=address,
        persons=tuple(dict.fromkeys((first.person, *(sharer.person for sharer in others)))),
        fields=render(templates, {**first.values, "email": address, "kind": first.person.kind}),
        opted_out=first.opted_out or any(sharer.opted_out for sharer in others),
    )


def _seniority(recipient: Recipient) -> tuple[int, str, str, str]:
    # Uids are opaque, yet numeric ones grow: comparing their length first puts 9 before 10.
    return len(recipient.person.uid), recipient.person.uid, recipient.person.kind, recipient.uid
