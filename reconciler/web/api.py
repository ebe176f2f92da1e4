"""Knows the API under `/api/v1`: ask for a pass, follow it, look around, approve."""

from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
import structlog
from flask import Blueprint, Response, request, url_for

from reconciler.model import ListUid, PassId
from reconciler.recorded import recorded_pass
from reconciler.status import client_status
from reconciler.store import Store, StoredProposal
from reconciler.web.access import Scheme, known_token, require_reader, require_writer
from reconciler.web.answers import (
    Approval,
    Approved,
    AskedPass,
    AskedPasses,
    ClientAnswer,
    Clients,
    Lists,
    PassAnswer,
    PassRequest,
    PlanAnswer,
    Plans,
    as_json,
    plan_answer,
)
from reconciler.web.list_results import list_results
from reconciler.web.list_views import ListViews
from reconciler.web.openapi import openapi
from reconciler.web.ports import Service, UnknownClient
from reconciler.web.problem import Refused

LARGEST_PASS_ID: Final = 2**63 - 1
TRIGGER: Final = "api"

Body = TypeVar("Body", bound=msgspec.Struct)

log = structlog.get_logger(__name__)


def api_routes(service: Service, views: ListViews, now: Callable[[], datetime]) -> Blueprint:
    """Given the daemon, what reads lists, and a clock, return the routes of the API."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")

    @routes.get("/openapi.json")
    def description() -> Response:
        return Response(msgspec.json.encode(openapi()), content_type="application/json")

    @routes.post("/reconcile")
    def reconcile() -> Response:
        require_writer(service, Scheme.BEARER)
        wanted = _body(PassRequest)
        client = _whose(service, wanted)
        only = None if wanted.list is None else ListUid(wanted.list)
        asked = service.ask(client=client, only=only, trigger=TRIGGER, full=wanted.full)
        passes = [
            AskedPass(client=name, pass_id=pass_id, href=url_for("api.one_pass", pass_id=pass_id))
            for name, pass_id in asked.items()
        ]
        return as_json(AskedPasses(passes=passes), HTTPStatus.ACCEPTED)

    @routes.get("/passes/<int:pass_id>")
    def one_pass(pass_id: int) -> Response:
        require_reader(service, Scheme.BEARER)
        return as_json(_pass_answer(service, pass_id))

    @routes.get("/clients")
    def clients() -> Response:
        require_reader(service, Scheme.BEARER)
        return as_json(Clients(clients=clients_now(service, now())))

    @routes.get("/lists")
    def lists() -> Response:
        require_reader(service, Scheme.BEARER)
        return as_json(Lists(clients=views.of(_chosen(service))))

    @routes.get("/plans")
    def plans() -> Response:
        require_reader(service, Scheme.BEARER)
        chosen = _chosen(service)
        waiting = [one for one in service.store.proposals(now=now()) if one.client in chosen]
        return as_json(Plans(plans=named(service.store, waiting)))

    @routes.post("/plans/<digest>/approve")
    def approve(digest: str) -> Response:
        require_writer(service, Scheme.BEARER)
        by = _body(Approval).by
        return as_json(Approved(approved=approve_plan(service.store, digest, by=by, now=now())))

    return routes


def clients_now(service: Service, now: datetime) -> tuple[ClientAnswer, ...]:
    """Given the daemon, return how each of its clients stands."""
    unready = service.unready()
    return tuple(
        ClientAnswer(
            client=name,
            ready=name not in unready,
            why=unready.get(name, ""),
            status=client_status(service.store, name, mode=client.mode, now=now),
        )
        for name, client in service.config().clients.items()
    )


def approve_plan(store: Store, digest: str, *, by: str, now: datetime) -> tuple[PlanAnswer, ...]:
    """Given a digest and who approves it, return what that releases. Raise StaleApproval if nothing waits."""
    approved = store.approve(digest, by=by, now=now)
    for one in approved:
        log.info(
            "approved",
            client=one.client,
            list=one.list_uid,
            digest=one.digest,
            verb=one.verb,
            count=one.count,
        )
    return named(store, approved)


def named(store: Store, proposals: Iterable[StoredProposal]) -> tuple[PlanAnswer, ...]:
    """Given what waits, return it along with the names of the lists."""
    waiting = tuple(proposals)
    names = {
        (client, uid): known.list_name
        for client in {one.client for one in waiting}
        for uid, known in store.counts(client).items()
    }
    return tuple(plan_answer(one, names.get((one.client, one.list_uid), "")) for one in waiting)


def _pass_answer(service: Service, pass_id: int) -> PassAnswer:
    """Addresses are only for a caller who showed the token, and where there is none nobody can."""
    if pass_id > LARGEST_PASS_ID:
        raise _no_pass(pass_id)
    state = service.state_of(PassId(pass_id))  # before its record, which is completed a moment earlier
    record = service.store.pass_record(PassId(pass_id))
    if record is None:
        raise _no_pass(pass_id)
    ended = state == "ended"
    document = (service.document(record.id) or recorded_pass(service.store, record)) if ended else None
    return PassAnswer(
        pass_id=record.id,
        client=record.client,
        state=state,
        mode=record.mode,
        trigger=record.trigger,
        started_at=record.started_at.isoformat(),
        ended_at=record.ended_at.isoformat() if ended and record.ended_at is not None else None,
        result=record.result if ended else None,
        counts=record.counts,
        problems=record.problems,
        lists=() if document is None else list_results(document),
        document=None if known_token(service) is None else document,
    )


def _no_pass(pass_id: int) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, f"There is no pass {pass_id}.")


def _whose(service: Service, wanted: PassRequest) -> str | None:
    clients = service.config().clients
    if wanted.client is not None:
        return _require_known(service, wanted.client)
    if wanted.list is not None and len(clients) > 1:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "Say whose list it is with `client`.")
    return None if wanted.list is None else next(iter(clients))


def _chosen(service: Service) -> tuple[str, ...]:
    client = request.args.get("client")
    return tuple(service.config().clients) if client is None else (_require_known(service, client),)


def _require_known(service: Service, client: str) -> str:
    if client not in service.config().clients:
        raise UnknownClient(f"There is no client {client!r}.", advice="GET /api/v1/clients names them.")
    return client


def _body(kind: type[Body]) -> Body:
    """Return what the caller sent; nothing at all means every default. Raise Refused for anything else."""
    sent = request.get_data()
    if not sent:
        return kind()
    if request.mimetype != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    try:
        return msgspec.json.decode(sent, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as refused:
        raise Refused(HTTPStatus.BAD_REQUEST, f"The body is not what it should be: {refused}.") from None
