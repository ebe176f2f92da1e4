"""Stands between the wire and the sandbox's Mailchimp and notes what each writing request really did."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.sandbox.mailchimp import MailchimpService
from reconciler.sandbox.mailchimp.state import Contact
from reconciler.sandbox.service import SAFE_METHODS, Reply, Request

BeforeWrite = Callable[[], None]


class Did(StrEnum):
    """What a request did."""

    ADD = "add"
    REVIVE = "revive"
    EDIT = "edit"
    RENAME = "rename"
    ARCHIVE = "archive"
    ERASE = "erase"
    CREATE = "create"
    RETITLE = "retitle"
    MERGE_FIELD = "merge field"
    TAG = "tag"
    DELETE = "delete"


SUBSCRIBING = (Did.ADD, Did.REVIVE, Did.RENAME)
"""After these somebody may be mailed at an address that was not mailed before."""


@dataclass(frozen=True)
class Deed:
    """One thing that a request did."""

    did: Did
    audience: str
    address: str = ""
    contact: str = ""
    """What stays the same when the address changes."""
    standing: str = ""
    """What the contact's status was before."""
    reachable: frozenset[str] = frozenset()
    """Who could be mailed in an audience when it was deleted, by what stays the same."""


MAILABLE = ("subscribed", "pending")
"""Who would lose something if their audience went."""

_MEMBERS = re.compile(r"^/3\.0/lists/(\w+)/members/([^/]+)(/actions/delete-permanent)?$")
_AUDIENCE = re.compile(r"^/3\.0/lists/(\w+)$")


def nothing() -> None:
    """Before most writes nobody looks."""


class Witness:
    """A Mailchimp service that remembers what was done through it."""

    name = MailchimpService.name

    def __init__(self, service: MailchimpService) -> None:
        self.deeds: list[Deed] = []
        self.before_write: BeforeWrite = nothing
        self._service = service
        self.simultaneous_requests = service.simultaneous_requests
        self.too_many_requests = service.too_many_requests
        self.operation = service.operation

    def answer(self, request: Request) -> Reply:
        if request.method in SAFE_METHODS:
            return self._service.answer(request)
        self.before_write()
        named = self._named(request)
        was = (named.contact_id, str(named.status), named.email_address.lower()) if named else ("", "", "")
        reachable = self._reachable(request)
        reply = self._service.answer(request)
        if reply.status < 400:
            done = self._deeds(request, reply, was)
            self.deeds.extend(replace(one, reachable=reachable) for one in done)
        return reply

    def _named(self, request: Request) -> Contact | None:
        found = _MEMBERS.match(request.path)
        audience = self._service.state.audiences.get(found.group(1)) if found else None
        return audience.find(found.group(2)) if found and audience else None

    def _reachable(self, request: Request) -> frozenset[str]:
        found = _AUDIENCE.match(request.path) if request.method == "DELETE" else None
        audience = self._service.state.audiences.get(found.group(1)) if found else None
        contacts = () if audience is None else audience.contacts.values()
        return frozenset(one.contact_id for one in contacts if one.status in MAILABLE)

    def _deeds(self, request: Request, reply: Reply, was: tuple[str, str, str]) -> list[Deed]:
        contact, standing, old_address = was
        if request.path == "/3.0/lists":
            return [Deed(Did.CREATE, json.loads(reply.body)["id"])]
        if request.path.endswith("/merge-fields"):
            return [Deed(Did.MERGE_FIELD, request.path.split("/")[3])]
        if "/segments" in request.path:
            return [Deed(Did.TAG, request.path.split("/")[3])]
        if found := _AUDIENCE.match(request.path):
            return self._of_audience(request, reply, found.group(1))
        found = _MEMBERS.match(request.path)
        if found is None:
            raise AssertionError(f"a kind of request that nobody thought of: {request.method} {request.path}")
        audience, action = found.group(1), found.group(3)
        if action or request.method == "DELETE":
            return [Deed(Did.ERASE if action else Did.ARCHIVE, audience, old_address, contact, standing)]
        body, told = json.loads(request.body), json.loads(reply.body)
        address, same = told["email_address"].lower(), told["contact_id"] == contact
        if not same:
            did = Did.ADD
        elif body.get("status") == "subscribed" and standing != "subscribed":
            did = Did.REVIVE
        else:
            did = Did.EDIT if address == old_address else Did.RENAME
        return [Deed(did, audience, address, told["contact_id"], standing if same else "")]

    def _of_audience(self, request: Request, reply: Reply, audience: str) -> list[Deed]:
        if request.method == "DELETE":
            return [Deed(Did.DELETE, audience)]
        if request.method == "PATCH":
            return [Deed(Did.RETITLE, audience)]
        told = json.loads(reply.body)
        return [
            Deed(did, audience, row["email_address"].lower(), row["contact_id"])
            for did, rows in ((Did.ADD, told["new_members"]), (Did.REVIVE, told["updated_members"]))
            for row in rows
        ]
