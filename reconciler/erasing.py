"""Erases a person, or shows what that would do: in Mailchimp, in the database and in the backups."""

from dataclasses import dataclass

from reconciler.client import Client
from reconciler.deed import located, only_one, require_named
from reconciler.erase import (
    AddressErasure,
    Certificate,
    ContactErasure,
    Fate,
    contacts_of,
    listings_of,
    remembering,
    whom,
)
from reconciler.erased_backups import backups_with, erase_from_backups, unreadable_backups
from reconciler.errors import PermissionDenied, ReconcilerError, Unreachable, in_words
from reconciler.look import NOT_DONE
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    Change,
    Deed,
    ListUid,
    PassId,
    PassResult,
    Result,
    Standing,
    Verb,
)
from reconciler.ports import AudienceSink
from reconciler.running import Pass
from reconciler.store import Intent, IntentKind
from reconciler.whereabouts import Located

_MAILCHIMP = "Mailchimp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asked to be erased, and how thoroughly."""

    address: Address
    permanently: bool = False
    """Whether contacts are deleted for good, which nothing but a form of Mailchimp undoes."""


def look_at_erasure(client: Client, request: Request) -> AddressErasure:
    """Given a client and a request, return all that is known of the person and what would become of it.

    Raise ReconcilerError when a side cannot be read at all.
    """
    with located(client, request.address, only=None) as (_, found):
        return _look(client, found, request)


def erase(client: Client, request: Request, *, digest: str, by: str) -> Certificate:
    """Given a client and what was approved, erase exactly that; return the certificate.

    Killed anywhere, running it again goes on. Raise StaleApproval when it is something else by now, LockHeld
    when a pass runs, and ReconcilerError when something could not be erased: then nothing is forgotten here.
    """
    with only_one(client, Deed.ERASE), located(client, request.address, only=None) as (running, found):
        erasure = _look(client, found, request)
        require_named(erasure.digest, digest, Deed.ERASE)
        sink = _sink(running, erasure)
        store = client.store
        pass_id = store.begin_pass(
            client.name, mode=client.mode, trigger=f"{Deed.ERASE} by {by}", now=client.now()
        )
        try:
            certificate = _Erasing(running, erasure, pass_id).carry_out(sink, by)
        except ReconcilerError as error:
            store.end_pass(
                pass_id, result=PassResult.FAILED, counts={}, problems=[in_words(error)], now=client.now()
            )
            raise
        known = {f"erased.{what}": count for what, count in certificate.known.items()}
        counts = {f"{Deed.ERASE}.{Result.APPLIED}": 1, **known}
        store.end_pass(pass_id, result=PassResult.DONE, counts=counts, problems=(), now=client.now())
        return certificate


def _look(client: Client, found: Located, request: Request) -> AddressErasure:
    store, erased = client.store, whom(found)
    before = store.erased(client.name)
    known = (*map(store.key_address, erased.addresses), *map(store.key_person, erased.persons))
    return AddressErasure(
        client=client.name,
        address=request.address,
        permanently=request.permanently,
        erased=erased,
        contacts=contacts_of(found, erased, permanently=request.permanently),
        remembering=remembering(found),
        known=store.known_of(client.name, erased),
        backups=backups_with(client.backups, client.name, erased),
        listed=listings_of(found),
        interrupted=tuple(intent.list_uid for intent in _begun(client, request.address)),
        erased_at=before[store.key_address(request.address)] if before.keys() >= set(known) else None,
        erased_in=store.last_erasure(client.name, request.address),
        problems=(
            *found.problems,
            *(f"{one.pairing.list_name}: {one.problem}" for one in found.lists if one.problem),
            *unreadable_backups(client.backups, client.name),
        ),
    )


def _begun(client: Client, address: Address) -> tuple[Intent, ...]:
    key = client.store.key_address(address)
    return tuple(
        intent
        for intent in client.store.open_intents(client.name)
        if intent.kind is IntentKind.ERASE_CONTACT and intent.detail["address"] == key
    )


def _sink(running: Pass, erasure: AddressErasure) -> AudienceSink | None:
    if running.sink is None and any(one.fate.writes for one in erasure.contacts):
        raise PermissionDenied(
            _MAILCHIMP,
            f"{erasure.client} is in plan mode, so none of its contacts can be erased",
            advice='Set its mode to "apply" for this command.',
        )
    return running.sink


class _Erasing:
    def __init__(self, running: Pass, erasure: AddressErasure, pass_id: PassId) -> None:
        self.running = running
        self.client = running.client
        self.store = running.client.store
        self.erasure = erasure
        self.pass_id = pass_id
        self.noted: set[ListUid] = set()
        """The lists of which history tells already: it shows one line of each."""

    def carry_out(self, sink: AudienceSink | None, by: str) -> Certificate:
        """Remember it first, so that no pass adds them again; forget last, as only that tells who it is."""
        erasure, client = self.erasure, self.client
        self.store.remember_erasure(client.name, erasure.erased, client.now())
        self._settle_begun()
        if sink is not None:
            for one in erasure.contacts:
                self._contact(sink, one)
        backups = erase_from_backups(client.backups, client.name, erasure.erased)
        known = self.store.forget(client.name, erasure.erased)
        for list_uid in erasure.remembering:
            if list_uid not in self.noted:
                self._note(list_uid, "forgotten in the database")
        return Certificate(
            client=client.name,
            pass_id=self.pass_id,
            erased_at=client.now(),
            by=by,
            address_key=self.store.key_address(erasure.address),
            permanently=erasure.permanently,
            contacts=erasure.contacts,
            known=known,
            backups=backups,
            listed=erasure.listed,
            compacted=self.store.compact(),
        )

    def _contact(self, sink: AudienceSink, one: ContactErasure) -> None:
        if not one.fate.writes:
            return
        key = self.store.key_address(self.erasure.address)
        intent = self.store.intend(
            self.client.name,
            one.list_uid,
            IntentKind.ERASE_CONTACT,
            {"audience": one.audience_id, "address": key, "contact": self._key(one), "fate": one.fate},
            self.pass_id,
            self.client.now(),
        )
        if one.fate is Fate.DELETED:
            self._delete(sink, one)
        else:
            self._archive(sink, one)
        self._note(one.list_uid, f"in Mailchimp: {one.fate}", intent)

    def _delete(self, sink: AudienceSink, one: ContactErasure) -> None:
        sink.erase(one.audience_id, one.contact)
        if self._is_there(one):
            raise Unreachable(_MAILCHIMP, f"a contact of {one.list_name} is still there after it was deleted")

    def _archive(self, sink: AudienceSink, one: ContactErasure) -> None:
        change = Change(
            verb=Verb.REMOVE,
            address=one.contact.address,
            reason="erased on request",
            before={"status": one.contact.standing},
            after={"status": Standing.ARCHIVED},
            contact=one.contact,
            move=BaseMove(address=one.contact.address, row=None),
            consent=True,
        )
        outcomes = [outcome for known in sink.apply(one.audience_id, [change]) for outcome in known]
        untrue = sink.read_back(one.audience_id, outcomes)
        if untrue or not all(outcome.result.moves_base for outcome in outcomes):
            why = "; ".join(outcome.detail for outcome in (*outcomes, *untrue) if outcome.detail)
            raise Unreachable(_MAILCHIMP, f"a contact of {one.list_name} was not archived: {why}")

    def _key(self, one: ContactErasure) -> str:
        """Tell apart the contacts that a person has in one audience."""
        return self.store.key_address(Address(one.contact.contact_id or one.contact.address))

    def _is_there(self, one: ContactErasure) -> bool:
        """An address that changed in between leaves nothing at the old one: the contact's own id tells."""
        key = one.contact.contact_id or one.contact.address
        return self.running.source.contact(one.audience_id, key) is not None

    def _settle_begun(self) -> None:
        """Write to history what a run that was cut off had done, and no more than that."""
        now = {(one.audience_id, self._key(one)): one.fate for one in self.erasure.contacts}
        for intent in _begun(self.client, self.erasure.address):
            fate = now.get((AudienceId(intent.detail["audience"]), intent.detail["contact"]))
            if fate is None or (fate is Fate.ARCHIVED_BEFORE and intent.detail["fate"] == Fate.ARCHIVED):
                self._note(intent.list_uid, f"in Mailchimp: {intent.detail['fate']}", intent.id)
            else:
                self.store.settle(intent.id, result=NOT_DONE, detail={}, now=self.client.now())

    def _note(self, list_uid: ListUid, what: str, intent: int | None = None) -> None:
        self.noted.add(list_uid)
        client, address = self.client, self.erasure.address
        self.store.record_erasure(
            self.pass_id, client.name, list_uid, address, what, client.now(), intent=intent
        )
