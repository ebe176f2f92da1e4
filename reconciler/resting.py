"""Writes down what is known of a list at rest in few bytes, and reads it back in another process.

What must be equal for the list to be at rest still (its pairing, and the rules it was decided by) is kept as
a digest only. Whatever cannot be understood, or comes of other rules, tells nothing: the list is decided.
"""

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

from reconciler.api.tape import Asked, Query, Trace
from reconciler.catalogue_watch import Seen
from reconciler.guard import Guarded
from reconciler.listing import Invalid
from reconciler.model import Change, Outcome, Result, Standing, Tally
from reconciler.newest import Glance
from reconciler.pairing import Pairing
from reconciler.plan import Facts, ListPlan, Refused

FORMAT: Final = 1
"""Counts up with every change of what is written or of how a rest is found out."""

_encode: Final = msgspec.msgpack.Encoder().encode
_in_order: Final = msgspec.msgpack.Encoder(order="deterministic").encode
_Asked: TypeAlias = tuple[str, bytes, bool, bytes]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a client's lists are decided by in this process."""

    client: str
    digest: bytes
    """Stands for everything that decisions depend on but the list itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a list with nothing to do, to be told again while it is at rest."""

    guarded: Guarded
    outcomes: tuple[Outcome, ...]
    """What is held, and told in every pass."""
    glance: Glance | None
    """What a short look at the audience must show while nothing in it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """A list about which there was nothing to write and nothing to remember."""

    pairing: Pairing
    recipients: Trace
    contacts: Trace
    found: Found
    since: datetime
    """When it was decided."""
    due: datetime
    """When it is to be decided anew."""
    recipients_seen: datetime
    """When the recipients were last seen to be as they were: when the first of it was asked, by our clock."""
    contacts_seen: datetime
    """The same of the contacts, by Mailchimp's clock where it tells."""
    row: Seen | None = None
    """How it stood in OTYS' catalogue when its recipients were read."""


class _Body(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A list at rest, as it is written down."""

    equal: bytes
    recipients: tuple[_Asked, ...]
    contacts: tuple[_Asked, ...]
    facts: Facts
    held: tuple[Change, ...]
    refused: tuple[Refused, ...]
    invalid: tuple[Invalid, ...]
    glance: Glance | None
    row: Seen | None
    moments: tuple[datetime, datetime, datetime, datetime]


def write_down(at_rest: AtRest, rules: Rules) -> bytes | None:
    """Given a list at rest and the rules it was decided by, return it in bytes.

    None where something is told of it that would be told otherwise when it is read back.
    """
    plan = at_rest.found.guarded.plan
    body = _Body(
        equal=_equal(at_rest.pairing, rules),
        recipients=_written(at_rest.recipients),
        contacts=_written(at_rest.contacts),
        facts=plan.facts,
        held=plan.changes,
        refused=plan.refused,
        invalid=plan.invalid,
        glance=at_rest.found.glance,
        row=at_rest.row,
        moments=(at_rest.since, at_rest.due, at_rest.recipients_seen, at_rest.contacts_seen),
    )
    told = zlib.compressobj(9, zdict=_TYPICAL)
    written = told.compress(_encode(body)) + told.flush()
    return written if read_back(written, at_rest.pairing, rules) == at_rest else None


def read_back(written: bytes, pairing: Pairing, rules: Rules) -> AtRest | None:
    """Given bytes, and a list and the rules as they are now, return the list as it came to rest.

    None where either was otherwise then, or where the bytes tell nothing.
    """
    try:
        body = msgspec.msgpack.decode(zlib.decompressobj(zdict=_TYPICAL).decompress(written), type=_Body)
    except (zlib.error, msgspec.DecodeError):
        return None
    if body.equal != _equal(pairing, rules):
        return None
    since, due, recipients_seen, contacts_seen = body.moments
    return AtRest(
        pairing=pairing,
        recipients=_read(body.recipients),
        contacts=_read(body.contacts),
        found=_found(body, pairing, rules.client),
        since=since,
        due=due,
        recipients_seen=recipients_seen,
        contacts_seen=contacts_seen,
        row=body.row,
    )


def _equal(pairing: Pairing, rules: Rules) -> bytes:
    return blake2b(_in_order((FORMAT, rules.client, rules.digest, pairing)), digest_size=16).digest()


def _found(body: _Body, pairing: Pairing, client: str) -> Found:
    """Reports find the outcome of a change by the very change."""
    plan = ListPlan(
        client=client,
        list_uid=pairing.list_uid,
        list_name=pairing.list_name if pairing.mailing_list is None else pairing.mailing_list.name,
        audience_id=None if pairing.audience is None else pairing.audience.id,
        facts=body.facts,
        changes=body.held,
        refused=body.refused,
        invalid=body.invalid,
    )
    outcomes = tuple(Outcome(change=change, result=Result.WITHHELD) for change in body.held)
    return Found(Guarded(plan, body.held), outcomes, body.glance)


def _written(trace: Trace) -> tuple[_Asked, ...]:
    return tuple((one.query.path, one.query.arguments, one.query.patient, one.fingerprint) for one in trace)


def _read(asked: tuple[_Asked, ...]) -> Trace:
    return tuple(Asked(Query(path, arguments, patient), told) for path, arguments, patient, told in asked)


def _typical() -> bytes:
    """Return what most lists at rest have in common, which is not written again for each."""
    members = (
        "members.id,members.email_address,members.status,members.contact_id,members.merge_fields,"
        "members.last_changed,total_items"
    )
    page = {
        "count": "1000",
        "offset": "0",
        "fields": members,
        "sort_field": "timestamp_opt",
        "sort_dir": "ASC",
    }
    who = {"firstName": 1, "infix": 1, "lastName": 1, "languageCode": 1}
    what = {"uid": 1, "entityType": 1, "entityUid": 1, "email": 1, "Person": who, "name": 1}
    rows = {
        "what": what,
        "condition": {"type": "COND", "field": "mailingListUid", "op": "EQ", "param": "1001"},
        "limit": 200,
        "offset": 0,
        "sort": {"uid": "ASC"},
        "getTotalCount": 1,
    }
    tally = Tally(rows=0, declared_before=0, declared_after=0)
    facts = Facts(
        listed=0,
        active=0,
        missing=0,
        live=0,
        foreign=0,
        opted_out=0,
        standings=dict.fromkeys(Standing, 0),
        recipients=tally,
        contacts=tally,
    )
    told = b"\0" * 16
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    json = msgspec.json.encode
    return _encode(
        _Body(
            equal=told,
            recipients=(("Otys.Services.MailingListRecipientService.getListEx", json(rows), True, told),),
            contacts=(
                ("/lists/a000000000/members", json({**page, "status": "archived"}), False, told),
                ("/lists/a000000000/members", json(page), False, told),
            ),
            facts=facts,
            held=(),
            refused=(),
            invalid=(),
            glance=Glance(told, moment),
            row=Seen(row="2026-01-01 00:00:00", since=moment, who=told, what=told),
            moments=(moment, moment, moment, moment),
        )
    )


_TYPICAL: Final = _typical()
