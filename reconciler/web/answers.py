"""Knows what the API answers with, as types that the OpenAPI document is made from too."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from flask import Response

from reconciler.document import PassDocument
from reconciler.list_view import ListView
from reconciler.status import ClientStatus
from reconciler.store import StoredProposal

LineOfText = msgspec.Meta(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\x00-\x1f])")
"""One line: nothing in it that a database or a terminal could stumble over."""


class PassRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pass is wanted."""

    client: Annotated[str, LineOfText] | None = None
    """All clients when not told."""
    list: Annotated[str, LineOfText] | None = None
    """The uid of the only list to work on; needs `client` where there are several."""
    full: bool = False
    """Whether every list is read whole, also what either service shows to be as it was."""


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who approves."""

    by: Annotated[str, LineOfText] = "HTTP API"


class AskedPass(msgspec.Struct, frozen=True, kw_only=True):
    """A pass that runs as soon as it can, and where to follow it."""

    client: str
    pass_id: int
    href: str


class AskedPasses(msgspec.Struct, frozen=True, kw_only=True):
    """The passes that were asked for, one a client."""

    passes: Sequence[AskedPass]


ListResult = Literal["done", "planned", "withheld", "failed"]


class ListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a list of which there is something to tell."""

    list: str
    list_name: str
    result: ListResult
    told: Sequence[str]
    """What was done, or would be, in words."""
    problem: str


class PassAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A pass and where it stands."""

    pass_id: int
    client: str
    state: Literal["waiting", "running", "ended"]
    mode: str
    trigger: str
    started_at: str
    """When it began, or was asked for while it waits."""
    ended_at: str | None
    result: str | None
    """None until it ended, and for ever when it was cut off."""
    counts: Mapping[str, int]
    problems: Sequence[str]
    lists: Sequence[ListAnswer]
    """Without addresses. Empty until the pass ended."""
    document: PassDocument | None
    """All of it, with addresses: only for a caller that showed the token, once the pass ended."""


class ClientAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How a client stands."""

    client: str
    ready: bool
    why: str
    """Why it is not ready: its last good pass is too old."""
    status: ClientStatus


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """All clients."""

    clients: Sequence[ClientAnswer]


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """The lists of each client, as OTYS showed them within the last minute."""

    clients: Sequence[ListView]


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard withheld and a digest releases."""

    client: str
    digest: str
    plan_digest: str
    """The digest of the client's whole plan, which releases all that is withheld in it."""
    list: str
    list_name: str
    verb: str
    count: int
    message: str
    expires: str | None
    approved_at: str | None
    approved_by: str


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for an approval, or was approved and waits for the next pass."""

    plans: Sequence[PlanAnswer]


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What an approval released; the next pass carries it out if nothing changes until then."""

    approved: Sequence[PlanAnswer]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All is well."""

    status: Literal["ok"] = "ok"


def as_json(value: msgspec.Struct, status: int = 200) -> Response:
    """Given an answer, return it as JSON."""
    return Response(msgspec.json.encode(value), status, content_type="application/json")


def plan_answer(proposal: StoredProposal, list_name: str) -> PlanAnswer:
    """Given what waits and the name of its list, return it as the API tells it."""
    return PlanAnswer(
        client=proposal.client,
        digest=proposal.digest,
        plan_digest=proposal.plan_digest,
        list=proposal.list_uid,
        list_name=list_name,
        verb=proposal.verb,
        count=proposal.count,
        message=proposal.message,
        expires=None if proposal.expires is None else proposal.expires.isoformat(),
        approved_at=None if proposal.approved_at is None else proposal.approved_at.isoformat(),
        approved_by=proposal.approved_by,
    )
