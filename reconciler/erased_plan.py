"""Takes people out of the plan that was kept of a list. Pure."""

import zlib
from collections.abc import Callable, Sequence

import msgspec

from reconciler.document import ChangeDocument, InvalidDocument, ListDocument
from reconciler.model import Address, Person

IsErased = Callable[[Address | Person], bool]
"""Answers whether an address or a person is erased."""


def without_erased(body: bytes, is_erased: IsErased) -> bytes:
    """Given what was kept of a plan, return it without what it tells of anybody erased.

    A plan that tells nothing of them is returned as it is.
    """
    plan = msgspec.json.decode(zlib.decompress(body), type=ListDocument)
    left = msgspec.structs.replace(
        plan,
        changes=_changes(plan.changes, is_erased),
        refused=_changes(plan.refused, is_erased),
        invalid=[one for one in plan.invalid if not _invalid(one, is_erased)],
    )
    return body if left == plan else zlib.compress(msgspec.json.encode(left))


def _changes(changes: Sequence[ChangeDocument], is_erased: IsErased) -> list[ChangeDocument]:
    return [change for change in changes if not _tells(change, is_erased)]


def _tells(change: ChangeDocument, is_erased: IsErased) -> bool:
    addresses = (change.email, change.before.get("email"), change.after.get("email"))
    return any(is_erased(Address(one)) for one in addresses if one) or any(
        is_erased(_person(one)) for one in change.persons
    )


def _invalid(one: InvalidDocument, is_erased: IsErased) -> bool:
    # Who is named by a person alone, without an address, may go on being told.
    return bool(one.email) and (is_erased(Address(one.email.lower())) or is_erased(_person(one.person)))


def _person(text: str) -> Person:
    kind, _, uid = text.partition(":")
    return Person(kind, uid)
