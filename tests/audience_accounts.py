"""The accounts that the contracts of audience sources and sinks are run against."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from reconciler.api.mailchimp import Mailchimp
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    Change,
    Contact,
    ContactSnapshot,
    Fields,
    Outcome,
    Standing,
    Verb,
)
from reconciler.ports import AudienceSink, AudienceSource, NewAudience
from reconciler.sandbox.facade import Sandbox
from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.sandbox.world import World
from reconciler.sinks.mailchimp import AudienceDefaults, MailchimpSink
from reconciler.sinks.memory import MemoryAudiences
from reconciler.sources.mailchimp import MailchimpSource

DEFAULTS = AudienceDefaults(
    company="Bureau",
    address1="Straat 1",
    city="Utrecht",
    country="NL",
    from_name="Bureau",
    from_email="post@bureau.nl",
    subject="Nieuws",
    language="nl",
)


class Account(Protocol):
    """What a contract needs: both ports, and hands in Mailchimp."""

    source: AudienceSource
    sink: AudienceSink

    def limit_audiences(self, maximum: int) -> None: ...
    def add_contact(
        self, audience: AudienceId, email: str, standing: Standing = ..., fields: Fields = ...
    ) -> None: ...
    def unsubscribe(self, audience: AudienceId, email: str) -> None: ...
    def bounce(self, audience: AudienceId, email: str) -> None: ...
    def archive(self, audience: AudienceId, email: str) -> None: ...
    def delete_permanently(self, audience: AudienceId, email: str) -> None: ...
    def subscribe_by_form(self, audience: AudienceId, email: str) -> None: ...
    def change_address(self, audience: AudienceId, email: str, new_email: str) -> None: ...


class MemoryAccount:
    def __init__(self) -> None:
        self.audiences = MemoryAudiences()
        self.source: AudienceSource = self.audiences
        self.sink: AudienceSink = self.audiences

    def limit_audiences(self, maximum: int) -> None:
        self.audiences.maximum = maximum

    def add_contact(
        self,
        audience: AudienceId,
        email: str,
        standing: Standing = Standing.SUBSCRIBED,
        fields: Fields | None = None,
    ) -> None:
        self.audiences.audience(audience).add_contact(email, standing, fields)

    def unsubscribe(self, audience: AudienceId, email: str) -> None:
        self.audiences.audience(audience).unsubscribe(email)

    def bounce(self, audience: AudienceId, email: str) -> None:
        self.audiences.audience(audience).bounce(email)

    def archive(self, audience: AudienceId, email: str) -> None:
        self.audiences.audience(audience).archive(email)

    def delete_permanently(self, audience: AudienceId, email: str) -> None:
        self.audiences.audience(audience).delete_permanently(email)

    def subscribe_by_form(self, audience: AudienceId, email: str) -> None:
        self.audiences.audience(audience).subscribe_by_form(email)

    def change_address(self, audience: AudienceId, email: str, new_email: str) -> None:
        self.audiences.audience(audience).change_address(email, new_email)


class SandboxAccount:
    def __init__(self, sandbox: Sandbox, client: Mailchimp) -> None:
        self.sandbox = sandbox
        self.client = client
        self.pauses: list[float] = []
        self.source: AudienceSource = MailchimpSource(client)
        self.sink: AudienceSink = MailchimpSink(client, DEFAULTS)

    def requests(self, method: str = "") -> list[LoggedRequest]:
        found = self.sandbox.log.requests("mailchimp")
        return [request for request in found if method in ("", request.method)]

    def limit_audiences(self, maximum: int) -> None:
        self.sandbox.world.mailchimp.max_audiences = maximum

    def add_contact(
        self,
        audience: AudienceId,
        email: str,
        standing: Standing = Standing.SUBSCRIBED,
        fields: Fields | None = None,
    ) -> None:
        status = Standing.SUBSCRIBED if standing is Standing.ARCHIVED else standing
        self.sandbox.mailchimp.add_contact(audience, email, status.value, dict(fields or {}))
        if standing is Standing.ARCHIVED:
            self.archive(audience, email)

    def add_contacts(
        self, audience: AudienceId, count: int, standing: Standing = Standing.SUBSCRIBED
    ) -> None:
        for number in range(count):
            self.add_contact(audience, f"{standing}-{number}@klant.nl", standing)

    def unsubscribe(self, audience: AudienceId, email: str) -> None:
        self.sandbox.mailchimp.unsubscribe(audience, email)

    def bounce(self, audience: AudienceId, email: str) -> None:
        self.sandbox.mailchimp.bounce(audience, email)

    def archive(self, audience: AudienceId, email: str) -> None:
        self.sandbox.mailchimp.archive(audience, email)

    def delete_permanently(self, audience: AudienceId, email: str) -> None:
        self.sandbox.mailchimp.delete_permanently(audience, email)

    def subscribe_by_form(self, audience: AudienceId, email: str) -> None:
        self.sandbox.mailchimp.subscribe_by_form(audience, email)

    def change_address(self, audience: AudienceId, email: str, new_email: str) -> None:
        self.sandbox.mailchimp.change_address(audience, email, new_email)


@contextmanager
def sandbox_account() -> Iterator[SandboxAccount]:
    world = World.empty()
    with (
        Sandbox.start(world=world) as sandbox,
        Mailchimp(world.mailchimp_api_key, base_url=sandbox.mailchimp_url, pause=lambda _: None) as client,
    ):
        yield SandboxAccount(sandbox, client)


def new_audience(account: Account, name: str = "Kandidaten") -> AudienceId:
    return account.sink.create(NewAudience(name=name, permission_reminder="U staat op onze lijst.")).id


def change(
    verb: Verb, address: str, *, contact: Contact | None = None, fields: Mapping[str, str] | None = None
) -> Change:
    return Change(
        verb=verb,
        address=Address(address),
        reason="the test wants it",
        fields=fields or {},
        contact=contact,
        move=BaseMove(address=Address(address), row=None),
    )


def apply(account: Account, audience: AudienceId, *changes: Change) -> dict[str, Outcome]:
    """Apply changes and return what became of them by address."""
    groups: Sequence[Sequence[Outcome]] = list(account.sink.apply(audience, changes))
    return {outcome.change.address: outcome for group in groups for outcome in group}


def contacts(account: Account, audience: AudienceId) -> dict[str, Contact]:
    return by_address(account.source.contacts(audience))


def by_address(snapshot: ContactSnapshot) -> dict[str, Contact]:
    return {contact.address: contact for contact in snapshot.contacts}
