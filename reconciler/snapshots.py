"""The sides that a list was decided from, in few bytes: whole now and then, what differs in between. Pure."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import msgspec

from reconciler.address import normalise
from reconciler.errors import StoreError
from reconciler.guard import Guarded
from reconciler.model import (
    Address,
    AudienceId,
    Change,
    Contact,
    ContactSnapshot,
    ListBase,
    ListUid,
    MailingList,
    No,
    Person,
    Recipient,
    RecipientSnapshot,
    Refusal,
    Tally,
)
from reconciler.plan import Sides
from reconciler.snapshot_entries import Entry, Listed, Mentions, There, usual_fields, usual_rows

FORMAT = 3
"""Rises whenever what an older program kept can no longer be read."""
MARK_LENGTH = 17
"""The format and a digest: so many bytes of a body tell whether two hold the same sides."""
_NO_MARK = bytes([FORMAT]) + bytes(MARK_LENGTH - 1)

_One = TypeVar("_One")


class UnreadableSnapshot(StoreError):
    """What was kept of a list's sides is damaged, or another version of the program kept it."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a list, without a name."""

    digest: str
    """The plan's."""
    allowed: Mapping[str, int]
    """How many changes might run, by verb."""
    withheld: Mapping[str, int]
    released: tuple[str, ...] = ()
    """The digests of the proposals that a person had approved."""

    def same_as(self, other: "Decided") -> bool:
        """Given another decision about the same list, return whether it comes to the same."""
        return (self.digest, self.allowed, self.withheld) == (other.digest, other.allowed, other.withheld)


@dataclass(frozen=True, slots=True)
class Kept:
    """The sides of a list as a pass saw them, and what it decided from them."""

    sides: Sides
    decided: Decided


@dataclass(frozen=True, slots=True)
class Frozen:
    """The same, encoded address by address: equal sides are equal bytes.

    An entry says nothing of a row that is as usual, and the head says what is usual on this list: so a pass
    that took over a whole audience changes the head, and no entry.
    """

    head: bytes
    entries: Mapping[str, bytes]

    @property
    def mark(self) -> bytes:
        """Tells whether two are the same."""
        digest = blake2b(self.head, digest_size=MARK_LENGTH - 1)
        for key in sorted(self.entries):
            digest.update(key.encode())
            digest.update(self.entries[key])
        return bytes([FORMAT]) + digest.digest()


@dataclass(frozen=True, slots=True)
class Body:
    """What is stored of one list and pass."""

    whole: bool
    """Else it says what differs from the body before it."""
    data: bytes


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    client: str
    list_uid: ListUid
    list_name: str
    audience_id: AudienceId | None
    synced_once: bool
    recipients: Tally
    contacts: Tally
    usual: Sequence[str] | None
    """The merge fields of a usual row; None where it is usual that there is none."""
    decided: Decided


class _Payload(msgspec.Struct, frozen=True, array_like=True):
    head: bytes
    gone: Sequence[str]
    entries: Mapping[str, bytes]


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_head = msgspec.msgpack.Decoder(_Head)
_entry = msgspec.msgpack.Decoder(Entry)
_payload = msgspec.msgpack.Decoder(_Payload)


def decided_of(guarded: Guarded) -> Decided:
    """Given what may run and what waits, return how much of it there is."""
    return Decided(
        digest=guarded.plan.digest,
        allowed=_by_verb(guarded.allowed),
        withheld=_by_verb(change for proposal in guarded.proposals for change in proposal.changes),
        released=tuple(sorted(proposal.digest for proposal in guarded.released)),
    )


def _by_verb(changes: Iterable[Change]) -> Mapping[str, int]:
    return dict(Counter(change.verb.value for change in changes))


def freeze(sides: Sides, decided: Decided) -> Frozen:
    """Given a list on all three sides and what was decided from them, return both encoded.

    The order in which a service told its rows makes no difference.
    """
    recipients = _by_key(sides.recipients.recipients, _key_of)
    contacts = _by_key(sides.contacts.contacts, _address_of)
    nos = _by_key(sides.base.nos, _address_of)
    refusals = _by_key(sides.base.refusals, _address_of)
    rows = sides.base.rows
    keys = {*recipients, *contacts, *rows, *nos, *refusals}
    usual = usual_fields(rows.values(), of=len(keys))
    entries: dict[str, bytes] = {}
    for key in keys:
        listed = [Listed.of(key, one) for one in sorted(recipients.get(key, ()), key=_order)]
        there = [There.of(one) for one in contacts.get(key, ())]
        known = [rows[Address(key)]] if key in rows else []
        as_usual = known == usual_rows(key, listed, there, usual)
        told = None if as_usual else known
        entries[key] = _encode(Entry(listed, there, told, nos.get(key, ()), refusals.get(key, ())))
    head = _Head(
        client=sides.client,
        list_uid=sides.mailing_list.uid,
        list_name=sides.mailing_list.name,
        audience_id=sides.audience_id,
        synced_once=sides.synced_once,
        recipients=sides.recipients.tally,
        contacts=sides.contacts.tally,
        usual=usual,
        decided=decided,
    )
    return Frozen(_encode(head), entries)


def thaw(frozen: Frozen) -> Kept:
    """Given encoded sides, return them as they were. Raise UnreadableSnapshot if they cannot be decoded."""
    try:
        head = _head.decode(frozen.head)
        entries = {key: _entry.decode(frozen.entries[key]) for key in sorted(frozen.entries)}
    except msgspec.DecodeError:
        raise _damaged() from None
    sides = Sides(
        client=head.client,
        mailing_list=MailingList(uid=head.list_uid, name=head.list_name),
        audience_id=head.audience_id,
        recipients=RecipientSnapshot(
            tuple(one.recipient(key) for key, entry in entries.items() for one in entry.recipients),
            head.recipients,
        ),
        contacts=ContactSnapshot(
            tuple(one.contact(key) for key, entry in entries.items() for one in entry.contacts),
            head.contacts,
        ),
        base=ListBase(
            rows={
                row.address: row for key, entry in entries.items() for row in entry.rows_of(key, head.usual)
            },
            nos=tuple(one for entry in entries.values() for one in entry.nos),
            refusals=tuple(one for entry in entries.values() for one in entry.refusals),
        ),
        synced_once=head.synced_once,
    )
    return Kept(sides, head.decided)


def pack(frozen: Frozen, before: Sequence[Body]) -> Body:
    """Given encoded sides and the bodies kept before, from a whole one on, return the body to keep next.

    It is whole when there is none before, none that can be read, or when the differences since add up to
    half a whole: so a list costs at most three times its changes, and is read again from few bodies.
    """
    if not before:
        return _whole(frozen)
    try:
        known = unpack(before).entries
    except UnreadableSnapshot:
        return _whole(frozen)
    payload = _Payload(
        frozen.head,
        [key for key in known if key not in frozen.entries],
        {key: entry for key, entry in frozen.entries.items() if known.get(key) != entry},
    )
    difference = Body(whole=False, data=_sealed(frozen.mark, payload))
    differences = sum(len(body.data) for body in (*before[1:], difference))
    return _whole(frozen) if 2 * differences > len(before[0].data) else difference


def unpack(bodies: Sequence[Body]) -> Frozen:
    """Given the bodies of a list from a whole one on, return the sides that the last one stands for.

    Raise UnreadableSnapshot if they cannot be read.
    """
    *_, last = unpack_each(bodies)
    return last


def unpack_each(bodies: Iterable[Body]) -> Iterator[Frozen]:
    """Given the bodies of a list from a whole one on, yield the sides that each stands for.

    They hold until the next one is asked for. Raise UnreadableSnapshot if one cannot be read.
    """
    entries: dict[str, bytes] = {}
    for body in bodies:
        payload = _opened(body)
        if body.whole:
            entries = {}
        for key in payload.gone:
            entries.pop(key, None)
        entries.update(payload.entries)
        yield Frozen(payload.head, entries)


def without(body: Body, erased: Mentions) -> Body:
    """Given a body and who is erased, return it without any address that one of them stood behind.

    A body that tells of none of them is returned as it is. Raise UnreadableSnapshot if it cannot be read.
    """
    payload = _opened(body)
    try:
        told = [key for key, entry in payload.entries.items() if _entry.decode(entry).mentions(key, erased)]
    except msgspec.DecodeError:
        raise _damaged() from None
    gone = [key for key in payload.gone if not _names(key, erased)]
    if not told and len(gone) == len(payload.gone):
        return body
    # An address that others keep may have had an entry before this one, which counts no more.
    gone += [key for key in told if not body.whole and not _names(key, erased)]
    left = {key: entry for key, entry in payload.entries.items() if key not in told}
    # Without a mark: the old one was made with what is erased. The next pass keeps its sides once more.
    return Body(whole=body.whole, data=_sealed(_NO_MARK, _Payload(payload.head, gone, left)))


def _names(key: str, erased: Mentions) -> bool:
    """A key is an address, or a person who has none."""
    kind, _, uid = key.partition(":")
    return erased(Address(key)) or erased(Person(kind, uid))


def mark_of(data: bytes) -> bytes:
    """Given the bytes of a body, return the mark of its sides."""
    return data[:MARK_LENGTH]


def _whole(frozen: Frozen) -> Body:
    return Body(whole=True, data=_sealed(frozen.mark, _Payload(frozen.head, (), frozen.entries)))


def _sealed(mark: bytes, payload: _Payload) -> bytes:
    ordered = dict(sorted(payload.entries.items()))
    return mark + zlib.compress(_encode(msgspec.structs.replace(payload, entries=ordered)), 9)


def _opened(body: Body) -> _Payload:
    if body.data[:1] != bytes([FORMAT]):
        raise UnreadableSnapshot(
            "What was kept of the sides of this list is from another version of the program.",
            advice="Replay it with that version, or name a later pass.",
        )
    try:
        return _payload.decode(zlib.decompress(body.data[MARK_LENGTH:]))
    except (zlib.error, msgspec.DecodeError):
        raise _damaged() from None


def _damaged() -> UnreadableSnapshot:
    return UnreadableSnapshot(
        "What was kept of the sides of this list is damaged.",
        advice="Run `reconciler db check`, and name another pass: the next change is kept whole again.",
    )


def _by_key(things: Iterable[_One], key: Callable[[_One], str]) -> Mapping[str, list[_One]]:
    found: defaultdict[str, list[_One]] = defaultdict(list)
    for thing in things:
        found[key(thing)].append(thing)
    return found


def _key_of(recipient: Recipient) -> str:
    return normalise(recipient.email) or str(recipient.person)


def _address_of(one: Contact | No | Refusal) -> str:
    return one.address


def _order(recipient: Recipient) -> tuple[Person, str]:
    return recipient.person, recipient.uid
