"""Knows the page: how the clients stand, what waits, and the lists as the manual's list view shows them."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Final, Literal

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from reconciler.errors import StaleApproval, in_words
from reconciler.list_view import ListRow
from reconciler.status import PassSummary
from reconciler.unresolved import told
from reconciler.web.access import Scheme, known_token, require_reader, require_writer, same
from reconciler.web.api import approve_plan, clients_now
from reconciler.web.list_views import ListViews
from reconciler.web.ports import Service, UnknownClient
from reconciler.web.problem import Refused
from reconciler.wording import counted, done, printable, to_do

_SCHEMES: Final = (Scheme.BASIC, Scheme.BEARER)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the list view."""

    title: str
    value: Callable[[ListRow], str]
    kind: Literal["text", "moment", "number"] = "text"


def _contacts(row: ListRow) -> str:
    return f"{row.contacts:,}" if row.recipients is None else f"{row.contacts:,} of {row.recipients:,}"


def _switch(*, on: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[on]


COLUMNS: Final = (
    Column("Name", lambda row: row.name),
    Column("MailChimp", lambda row: row.mailchimp.value),  # what people look for stands where all can see it
    Column("Contacts", _contacts, "number"),
    Column("Description", lambda row: row.description),
    Column("Subject", lambda row: row.subject),
    Column("Owner", lambda row: row.owner),
    Column("Created", lambda row: row.created, "moment"),
    Column("Category", lambda row: row.category),
    Column("Global", lambda row: _switch(on=row.is_global)),
    Column("Last modified", lambda row: row.last_modified, "moment"),
    Column("Last modified by", lambda row: row.last_modified_by),
    Column("Published", lambda row: _switch(on=row.published)),
    Column("Temporary", lambda row: _switch(on=row.temporary)),
)


def page_routes(service: Service, views: ListViews, now: Callable[[], datetime]) -> Blueprint:
    """Given the daemon, what reads lists, and a clock, return the page and what its buttons do."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def page() -> Response:
        require_reader(service, *_SCHEMES)
        return Response(_page(service, views, now()))

    @routes.post("/approve")
    def approve() -> Redirect:
        """A browser adds the password to whatever a stranger's page makes it send, but not the proof."""
        token = require_writer(service, *_SCHEMES)
        digest = request.form.get("digest", "")
        if not same(request.form.get("proof", ""), proof(token, digest)):
            raise Refused(HTTPStatus.FORBIDDEN, "The request does not come from a button of the page.")
        given = request.authorization
        by = (given.username if given is not None else None) or "web page"
        try:
            approve_plan(service.store, digest, by=printable(by), now=now())
        except StaleApproval as stale:
            return Response(_page(service, views, now(), notice=in_words(stale)), HTTPStatus.CONFLICT)
        return redirect(url_for("pages.page"), HTTPStatus.SEE_OTHER)

    return routes


def proof(token: str, digest: str) -> str:
    """Given the token and a digest, return what shows that the page offered a button for that digest."""
    return hmac.new(token.encode(), f"approve {digest}".encode(), sha256).hexdigest()


def _page(service: Service, views: ListViews, now: datetime, *, notice: str = "") -> str:
    config = service.config()
    chosen = _chosen(tuple(config.clients))
    token = known_token(service)
    return render_template(
        "page.html",
        clients=clients_now(service, now),
        notice=notice,
        view=None if chosen is None else views.of([chosen])[0],
        show_all="all" in request.args,
        columns=COLUMNS,
        proof=None if token is None else partial(proof, token),
        moment=partial(_moment, config.daemon.timezone),
        it_did=_it_did,
        printable=printable,
        counted=counted,
        told=told,
        now=f"{now.astimezone(config.daemon.timezone):%Y-%m-%d %H:%M:%S %Z}",
    )


def _chosen(clients: Sequence[str]) -> str | None:
    """The lists of one client are shown: the one that was asked for, or the only one there is."""
    asked = request.args.get("client")
    if asked is not None and asked not in clients:
        raise UnknownClient(f"There is no client {asked!r}.")
    return clients[0] if len(clients) == 1 else asked


def _moment(zone: tzinfo, moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def _it_did(one: PassSummary) -> str:
    what = ", ".join(to_do(one.counts) if one.mode == "plan" else done(one.counts))
    if not what:
        return "nothing" if one.problems else "nothing to do"
    return f"would {what}" if one.mode == "plan" else what
