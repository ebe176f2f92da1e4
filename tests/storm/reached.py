"""What a pass changed in Mailchimp, seen from outside: the account before and after it, and the history."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.document import ChangeDocument
from reconciler.model import Result, Verb
from reconciler.recorded import recorded_pass
from reconciler.sandbox.mailchimp.state import Status
from reconciler.sandbox.world import World
from reconciler.store import Store

EDIT = "adopt or update"
_AS_SEEN = {"adopt": EDIT, "update": EDIT}
_SEEN = frozenset(
    {"add", "rename", "remove", "adopt", "update", "create", "rename-audience", "update-settings"}
)
_ALL = 10_000

Deed = tuple[str, str, str]
"""A list, a verb and an address, empty for a change of the audience."""


@dataclass(frozen=True)
class _Seen:
    address: str
    status: Status
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Account:
    """What stands in a Mailchimp account at one moment."""

    audiences: Mapping[str, tuple[str, str, str]]
    """The list, the name and the reminder of each audience."""
    contacts: Mapping[tuple[str, str], _Seen]
    """By list and contact id."""


def account(world: World, names: Mapping[str, str]) -> Account:
    """Given a world and the uid of the list that each name belongs to, return what its account shows."""
    audiences = world.mailchimp.audiences.values()
    return Account(
        {one.id: (names[one.name], one.name, one.permission_reminder) for one in audiences},
        {
            (names[one.name], contact.contact_id): _Seen(
                contact.email_address,
                contact.status,
                {tag: str(value) for tag, value in contact.merge_fields.items()},
            )
            for one in audiences
            for contact in one.contacts.values()
        },
    )


def done_between(before: Account, after: Account) -> Counter[Deed]:
    """Given an account before and after a pass, return what was done to it."""
    return Counter((*_to_audiences(before, after), *_to_contacts(before, after)))


def told(store: Store, *results: Result) -> Counter[Deed]:
    """Given a store and results, return the changes that its history says came to one of them."""
    return Counter(
        (change.list, _AS_SEEN.get(change.verb, change.verb), _address(change))
        for record in store.passes("acme", limit=_ALL)
        for change in recorded_pass(store, record).changes
        # To adopt a contact that is as it should be is only to remember that it is ours.
        if change.result in results and change.verb in _SEEN and (change.verb != Verb.ADOPT or change.after)
    )


def _address(change: ChangeDocument) -> str:
    """A contact that has another address in Mailchimp than OTYS gives it is known by the one it has there."""
    if change.verb == Verb.RENAME:
        return change.email or ""
    return change.before.get("email", change.email or "")


def _to_audiences(before: Account, after: Account) -> Iterator[Deed]:
    for audience_id, (list_uid, name, reminder) in after.audiences.items():
        if audience_id not in before.audiences:
            yield list_uid, "create", ""
            continue
        _, old_name, old_reminder = before.audiences[audience_id]
        if name != old_name:
            yield list_uid, "rename-audience", ""
        if reminder != old_reminder:
            yield list_uid, "update-settings", ""


def _to_contacts(before: Account, after: Account) -> Iterator[Deed]:
    for key, now in after.contacts.items():
        then = before.contacts.get(key)
        if then == now:
            continue
        if then is None or (then.status, now.status) == (Status.ARCHIVED, Status.SUBSCRIBED):
            verb = "add"
        elif then.address != now.address:
            verb = "rename"
        elif now.status is not then.status:
            verb = "remove" if now.status is Status.ARCHIVED else f"{then.status} to {now.status}"
        else:
            verb = EDIT
        yield key[0], verb, now.address
