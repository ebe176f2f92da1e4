"""A running Mailchimp sandbox and a client for it, for the tests of the sandbox."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.http import LoopbackServer
from reconciler.sandbox.mailchimp import (
    BASE_PATH,
    DEFAULT_API_KEY,
    MailchimpHuman,
    MailchimpService,
    MailchimpState,
)
from reconciler.sandbox.mailchimp.state import subscriber_hash
from reconciler.sandbox.requestlog import RequestLog

Json = dict[str, Any]

NEW_AUDIENCE: Json = {
    "name": "Nieuwsbrief",
    "permission_reminder": "U staat ingeschreven bij ons bureau.",
    "email_type_option": False,
    "contact": {"company": "Bureau", "address1": "Dam 1", "city": "Amsterdam", "country": "NL"},
    "campaign_defaults": {
        "from_name": "Bureau",
        "from_email": "post@bureau.example",
        "subject": "Nieuws",
        "language": "nl",
    },
}


class Account:
    """One account with one audience, reached over real HTTP."""

    def __init__(self, state: MailchimpState) -> None:
        self.state = state
        self.clock = SandboxClock()
        self.faults = Faults()
        self.log = RequestLog()
        lock = threading.RLock()
        self.human = MailchimpHuman(state, self.clock, lock)
        self.list_id = self.human.add_audience("Kandidaten")
        self.server = LoopbackServer(
            MailchimpService(state, self.clock, self.faults),
            lock=lock,
            clock=self.clock,
            faults=self.faults,
            log=self.log,
        )
        self.session = requests.Session()
        self.session.auth = ("anyone", DEFAULT_API_KEY)

    @property
    def base_url(self) -> str:
        return self.server.url + BASE_PATH

    def call(self, method: str, path: str, body: object = None, **query: object) -> requests.Response:
        """Given a path below the API's, return the answer; LIST stands for the audience's path."""
        url = self.base_url + path.replace("LIST", f"/lists/{self.list_id}", 1)
        return self.session.request(
            method, url, json=body, params={name: str(value) for name, value in query.items()}, timeout=10
        )

    def ok(self, method: str, path: str, body: object = None, **query: object) -> Json:
        """Given a path, return the body of the answer, which must be a success."""
        reply = self.call(method, path, body, **query)
        assert reply.ok, reply.text
        answer: Json = reply.json() if reply.content else {}
        return answer

    def member(self, address: str) -> str:
        """Given an address, return the path of its contact."""
        return f"LIST/members/{subscriber_hash(address)}"

    def add(self, address: str, status: str = "subscribed", **fields: object) -> Json:
        return self.ok("POST", "LIST/members", {"email_address": address, "status": status, **fields})

    def get(self, address: str) -> Json:
        return self.ok("GET", self.member(address))

    def fill(self, count: int) -> None:
        """Given a number, add that many contacts, 500 at a time."""
        rows = [
            {"email_address": f"kandidaat{n}@bureau.example", "status": "subscribed"} for n in range(count)
        ]
        for start in range(0, count, 500):
            self.ok("POST", "LIST", {"members": rows[start : start + 500]}, fields="error_count")


def problem(reply: requests.Response) -> tuple[int, str]:
    """Given a refusal, return its status and title, having checked that it has the form of all refusals."""
    body = reply.json()
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert reply.headers["X-Request-Id"] == body["instance"]
    assert body["status"] == reply.status_code
    return reply.status_code, body["title"]


@contextmanager
def running_account(state: MailchimpState | None = None) -> Iterator[Account]:
    account = Account(state or MailchimpState())
    with account.session, account.server:
        yield account
