"""Finds one address, and the people behind it, on every list of a client: on all three sides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.address import normalise
from reconciler.client import Client
from reconciler.errors import CredentialsRejected, RemoteError, in_words
from reconciler.linking import pair_lists
from reconciler.look import look_around
from reconciler.model import (
    Address,
    AudienceId,
    BaseRow,
    Contact,
    ContactSnapshot,
    Integration,
    ListBase,
    ListUid,
    MailingList,
    Person,
    RecipientSnapshot,
    Tally,
)
from reconciler.pairing import Inventory, Pairing
from reconciler.plan import Sides
from reconciler.running import Pass
from reconciler.store import Remembered

NOTHING_READ = RecipientSnapshot((), Tally(rows=0, declared_before=0, declared_after=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """One list, narrowed to one address and the people behind it."""

    pairing: Pairing
    sides: Sides
    problem: str = ""
    """Why it could not be read; `sides` then holds what is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One address in all lists of a client."""

    client: str
    address: Address
    persons: frozenset[Person]
    """Everybody who stands behind the address, or stood there as far as is remembered."""
    lists: tuple[Whereabouts, ...]
    problems: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something could not be read."""
        return bool(self.problems) or any(one.problem for one in self.lists)


def locate(
    running: Pass, integration: Integration, address: Address, *, only: ListUid | None = None
) -> Located:
    """Given a pass, the client's settings and an address, return where it and its people are.

    Raise RemoteError when neither lists nor audiences can be read, or the key is rejected.
    """
    client = running.client
    inventory, running, problems = look_around(running, integration)
    pairings = _pairings(client, inventory)
    chosen = [pairing for pairing in pairings if only in (None, pairing.list_uid)]
    if only is not None and not chosen:
        problems = (*problems, f"list {only} was never linked; `reconciler lists --all` shows every list")
    persons = {person for one in client.store.find(client.name, address) for person in _remembered(one)}
    read: list[tuple[Pairing, RecipientSnapshot, str]] = []
    for pairing in chosen:
        recipients, problem = _recipients(client, pairing)
        persons.update(row.person for row in recipients.recipients if normalise(row.email) == address)
        read.append((pairing, _narrowed(recipients, address, persons), problem))
    return Located(
        client=client.name,
        address=address,
        persons=frozenset(persons),
        lists=tuple(_whereabouts(running, address, frozenset(persons), *one) for one in read),
        problems=problems,
    )


def _pairings(client: Client, inventory: Inventory) -> list[Pairing]:
    """Return every list that a pass looks at, and those that are only remembered."""
    pairings = pair_lists(inventory, policy=client.policy, limits=client.limits, now=client.now())
    paired = {pairing.list_uid for pairing in pairings}
    known = {one.uid: one for one in inventory.catalogue.lists}
    let_go = [
        Pairing(
            list_uid=link.list_uid,
            list_name=link.list_name,
            mailing_list=known.get(link.list_uid),
            link=link,
        )
        for link in inventory.links
        if link.list_uid not in paired
    ]
    audiences = {audience.id: audience for audience in inventory.audiences.audiences}
    return [
        pairing
        if pairing.audience is not None or pairing.link is None or pairing.link.audience_id is None
        else replace(pairing, audience=audiences.get(pairing.link.audience_id))
        for pairing in (*pairings, *let_go)
    ]


def _recipients(client: Client, pairing: Pairing) -> tuple[RecipientSnapshot, str]:
    if pairing.mailing_list is None:
        return NOTHING_READ, ""
    try:
        recipients = client.lists.recipients(pairing.mailing_list)
    except CredentialsRejected:
        raise
    except RemoteError as error:
        return NOTHING_READ, in_words(error)
    problem = recipients.tally.problem
    return recipients, f"the list was not read completely from OTYS: {problem}" if problem else ""


def _narrowed(recipients: RecipientSnapshot, address: Address, persons: set[Person]) -> RecipientSnapshot:
    rows = (row for row in recipients.recipients if normalise(row.email) == address or row.person in persons)
    return replace(recipients, recipients=tuple(rows))


def _whereabouts(  # noqa: PLR0917 (whom, then what was read)
    running: Pass,
    address: Address,
    persons: frozenset[Person],
    pairing: Pairing,
    recipients: RecipientSnapshot,
    problem: str,
) -> Whereabouts:
    client = running.client
    base = _concerning(client.store.base(client.name, pairing.list_uid), address, persons)
    contacts: tuple[Contact, ...] = ()
    audience_id = None if pairing.audience is None else pairing.audience.id
    if audience_id is not None:
        listed = {normalise(row.email) for row in recipients.recipients if row.email}
        addresses = sorted({address, *base.rows, *(no.address for no in base.nos), *listed})
        try:
            contacts = tuple(_contacts(running, audience_id, addresses, tuple(base.rows.values())))
        except CredentialsRejected:
            raise
        except RemoteError as error:
            problem = problem or in_words(error)
    seen = len(contacts)
    sides = Sides(
        client=client.name,
        mailing_list=pairing.mailing_list or MailingList(uid=pairing.list_uid, name=pairing.list_name),
        audience_id=audience_id,
        recipients=recipients,
        contacts=ContactSnapshot(contacts, Tally(rows=seen, declared_before=seen, declared_after=seen)),
        base=base,
    )
    return Whereabouts(pairing=pairing, sides=sides, problem=problem)


def _concerning(base: ListBase, address: Address, persons: frozenset[Person]) -> ListBase:
    rows = {
        row.address: row
        for row in base.rows.values()
        if row.address == address or not persons.isdisjoint(row.persons)
    }
    nos = tuple(no for no in base.nos if no.address == address or not persons.isdisjoint(no.persons))
    addresses = {address, *rows, *(no.address for no in nos)}
    refusals = tuple(refusal for refusal in base.refusals if refusal.address in addresses)
    return ListBase(rows=rows, nos=nos, refusals=refusals)


def _contacts(
    running: Pass, audience_id: AudienceId, addresses: Sequence[Address], rows: Sequence[BaseRow]
) -> Iterator[Contact]:
    """Each is looked up by itself: a listing that shifts could leave somebody out who said no."""
    keys = (*addresses, *(row.contact_id for row in rows if row.contact_id))
    found: dict[str, Contact] = {}
    for key in keys:
        if key not in {contact.contact_id for contact in found.values()}:
            contact = running.source.contact(audience_id, key)
            if contact is not None:
                found[contact.id] = contact
    yield from found.values()


def _remembered(one: Remembered) -> Iterator[Person]:
    if one.row is not None:
        yield from one.row.persons
    for said in one.nos:
        yield from said.no.persons
