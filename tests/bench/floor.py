"""The least that any program must do: fetch the same pages, decode them, compare them with what is known."""

import time
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
import requests

from tests.bench.meter import Cost
from tests.bench.server import Asked
from tests.bench.town import Town, number_of, someone

Sides = dict[str, tuple[str, ...]]
"""What is known of each address."""


class _Person(msgspec.Struct, gc=False, rename="camel"):
    first_name: str = ""
    last_name: str = ""


class _Row(msgspec.Struct, gc=False):
    email: str
    person: _Person = msgspec.field(name="Person")


class _Rows(msgspec.Struct):
    rows: list[_Row] = msgspec.field(name="listOutput")


class _Recipients(msgspec.Struct):
    result: _Rows


class _Merge(msgspec.Struct, gc=False):
    first: str = msgspec.field(name="FNAME", default="")
    last: str = msgspec.field(name="LNAME", default="")


class _Member(msgspec.Struct, gc=False):
    email_address: str
    status: str
    merge_fields: _Merge


class _Members(msgspec.Struct):
    members: list[_Member]


class Floor(msgspec.Struct, kw_only=True):
    """What it cost."""

    fetch: float
    """Seconds of processor time."""
    wall: float
    """Seconds, one request after the other."""
    decode_and_diff: float
    changes: int


_recipients = msgspec.json.Decoder(_Recipients)
_members = msgspec.json.Decoder(_Members)


def floor_of(url: str, asked: Sequence[Asked], towns: Sequence[Town]) -> Floor:
    """Given the requests that a pass made, return what the least costs that comes to the same."""
    fetched, known = Cost(), _known(towns)
    otys: dict[str, Sides] = defaultdict(dict)
    mailchimp: dict[str, Sides] = defaultdict(dict)
    decoding = 0.0
    with requests.Session() as session:
        session.trust_env = False
        for one in asked:
            wall, cpu = time.perf_counter(), time.process_time()
            body = session.request(one.method, url + one.target, data=one.body.encode() or None).content
            fetched.wall += time.perf_counter() - wall
            decoded_from = time.process_time()
            fetched.cpu += decoded_from - cpu
            _decode(one, body, otys, mailchimp)
            decoding += time.process_time() - decoded_from
    began = time.process_time()
    changes = sum(_changes(known[key], otys[key], mailchimp[key]) for key in known)
    decoding += time.process_time() - began
    return Floor(fetch=fetched.cpu, wall=fetched.wall, decode_and_diff=decoding, changes=changes)


def _known(towns: Sequence[Town]) -> dict[str, Sides]:
    """What was last synced, made anew so that no text of it is the same object as one that is decoded."""
    return {
        f"{town.name} {number}": {
            one.email: (one.first, one.last)
            for one in (someone(number, row) for row in range(town.recipients))
        }
        for town in towns
        for number in range(town.lists)
    }


def _decode(one: Asked, body: bytes, otys: dict[str, Sides], mailchimp: dict[str, Sides]) -> None:
    path = urlsplit(one.target).path
    town = path.split("/")[1]
    if path.endswith("/members") and "merge_fields" in one.target:
        key = f"{town} {number_of(path.split('/')[-2])}"
        rows = _members.decode(body).members
        mailchimp[key].update(
            (row.email_address, (row.merge_fields.first, row.merge_fields.last, row.status)) for row in rows
        )
    elif "MailingListRecipientService" in one.body:
        uid = one.body.partition('"param":"')[2].partition('"')[0]
        people = _recipients.decode(body).result.rows
        otys[f"{town} {number_of(uid)}"].update(
            (row.email, (row.person.first_name, row.person.last_name)) for row in people
        )


def _changes(known: Sides, otys: Sides, mailchimp: Sides) -> int:
    nobody = ("", "", "")
    written = sum(
        known.get(email) != fields or mailchimp.get(email, nobody)[:2] != fields
        for email, fields in otys.items()
    )
    return written + sum(email not in otys for email in known)


def fewest_requests(towns: Sequence[Town]) -> dict[str, int]:
    """Given towns, return the smallest number of requests a full pass of each can make, by service.

    OTYS gives 200 rows a request and Mailchimp 1,000; that nobody is archived takes a request to know. Three
    are spent on the session: log in, whose key it is, the settings.
    """
    return {
        "OTYS": sum(
            3 + _pages(town.lists, 200) + town.lists * _pages(town.recipients, 200) for town in towns
        ),
        "Mailchimp": sum(
            _pages(town.lists, 1000)
            + town.lists * ((0 if town.empty else _pages(town.recipients, 1000)) + 1 + town.empty)
            for town in towns
        ),
    }


def _pages(rows: int, size: int) -> int:
    return -(-rows // size)
