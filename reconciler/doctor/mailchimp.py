"""Examines a client's Mailchimp account: login, rights, room for audiences, merge fields."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from reconciler.api.mailchimp import Mailchimp
from reconciler.api.mailchimp_wire import MergeFieldRow
from reconciler.config import ClientConfig, Mode
from reconciler.doctor.clock import ClockWatch
from reconciler.doctor.findings import Finding, failure, ok, problem, skipped, warning
from reconciler.doctor.lists import Learned
from reconciler.errors import ReconcilerError
from reconciler.linking import missing_lists, pair_lists
from reconciler.model import (
    AudienceCatalogue,
    AudienceId,
    Catalogue,
    Integration,
    Link,
    LinkState,
    ListUid,
    ListVerb,
)
from reconciler.pairing import Inventory
from reconciler.sources.mailchimp import MailchimpSource
from reconciler.wiring import open_account
from reconciler.wording import counted

ROLES_THAT_CANNOT_WRITE = ("viewer", "author")
NO_SETTINGS = Integration(enabled=True, user_name="", api_key="", permission_reminder="", flagged=())


class AccountRow(msgspec.Struct, frozen=True):
    """GET /: whose key it is (facts/mailchimp.md, 1.1)."""

    account_name: str = ""
    role: str = ""
    total_subscribers: int = 0


def examine_mailchimp(
    chosen: ClientConfig, learned: Learned, links: Sequence[Link], clock: ClockWatch, now: datetime
) -> Iterator[Finding]:
    """Given a client and what its lists taught, examine its account."""
    if learned.integration is None and chosen.mailchimp.api_key is None:
        yield skipped("mailchimp_login", "its key stands in OTYS' settings, which were not read")
        return
    try:
        with open_account(chosen.mailchimp, learned.integration or NO_SETTINGS, clock) as account:
            fields = {"fields": "account_name,role,total_subscribers"}
            row = account.read("/", AccountRow, params=fields)
            contacts = counted(row.total_subscribers, "subscribed contact")
            yield ok("mailchimp_login", f"logged in at {row.account_name}, which has {contacts}")
            yield _rights(row, chosen)
            yield from _audiences(account, chosen, learned, links, now)
    except ReconcilerError as error:
        yield failure("mailchimp_login", error)
        yield skipped("audiences", "Mailchimp could not be asked")


def _grave(chosen: ClientConfig) -> Callable[[str, str, str], Finding]:
    """What keeps a pass from writing is a problem only where it is to write."""
    return problem if chosen.mode is Mode.APPLY else warning


def _rights(row: AccountRow, chosen: ClientConfig) -> Finding:
    if row.role.casefold() not in ROLES_THAT_CANNOT_WRITE:
        return ok("mailchimp_rights", f"the key's user is {row.role or 'of no named role'}")
    return _grave(chosen)(
        "mailchimp_rights",
        f"the key's user is {row.role} of the account and may not write contacts",
        "Make the user a manager in Mailchimp, or use another user's key.",
    )


def _audiences(
    account: Mailchimp, chosen: ClientConfig, learned: Learned, links: Sequence[Link], now: datetime
) -> Iterator[Finding]:
    source = MailchimpSource(account)
    audiences = source.audiences()
    if learned.integration is None or learned.catalogue is None:
        yield skipped("audiences", "it is not known which lists need one")
    else:
        inventory = _inventory(chosen, learned.integration, learned.catalogue, audiences, links)
        yield from _room(inventory, chosen, now)
    yield from _merge_fields(source, chosen, audiences, links)


def _inventory(
    chosen: ClientConfig,
    integration: Integration,
    catalogue: Catalogue,
    audiences: AudienceCatalogue,
    links: Sequence[Link],
) -> Inventory:
    return Inventory(
        flagged=integration.flagged,
        catalogue=catalogue,
        audiences=audiences,
        links=tuple(links),
        default_reminder=integration.permission_reminder,
        pairs={ListUid(uid): AudienceId(audience) for uid, audience in chosen.links.items()},
    )


def _room(inventory: Inventory, chosen: ClientConfig, now: datetime) -> Iterator[Finding]:
    gone = missing_lists(inventory)  # a pass looks these up one by one; they need no audience
    pairings = [
        pairing
        for pairing in pair_lists(inventory, policy=chosen.policy, limits=chosen.limits, now=now)
        if pairing.list_uid not in gone and pairing.mailing_list is not None
    ]
    creates = sum(any(change.verb is ListVerb.CREATE for change in one.changes) for one in pairings)
    constraints = inventory.audiences.constraints
    most = "no limit is told" if constraints.maximum is None else f"{constraints.maximum:,} are allowed"
    yield ok(
        "audiences",
        f"{counted(constraints.current, 'audience')} there and {creates:,} to be made; {most}",
    )
    for pairing in pairings:
        for change in pairing.changes:
            if change.verb is ListVerb.HOLD:
                yield warning("audiences", f"{pairing.list_name} (list {pairing.list_uid}): {change.reason}")
    if creates and chosen.mailchimp.audience_defaults is None:
        yield _grave(chosen)(
            "audience_defaults",
            f"{counted(creates, 'audience')} must be made, and the sender's details are not configured",
            "Fill in the table mailchimp.audience_defaults of the client.",
        )


def _merge_fields(
    source: MailchimpSource, chosen: ClientConfig, audiences: AudienceCatalogue, links: Sequence[Link]
) -> Iterator[Finding]:
    there = {audience.id: audience for audience in audiences.audiences}
    linked = [
        there[link.audience_id]
        for link in links
        if link.state is LinkState.LINKED and link.audience_id in there
    ]
    findings = [
        finding
        for audience in linked
        for finding in _merge_fields_of(audience.name, source.merge_fields(audience.id), chosen)
    ]
    yield from findings
    if linked and not findings:
        wanted = ", ".join(chosen.fields)
        yield ok("merge_fields", f"{wanted}: there in {counted(len(linked), 'linked audience')}")


def _merge_fields_of(name: str, fields: Sequence[MergeFieldRow], chosen: ClientConfig) -> Iterator[Finding]:
    lacking = sorted(chosen.fields.keys() - {field.tag for field in fields})
    if lacking:
        yield warning(
            "merge_fields",
            f"the audience {name} has no merge field {' and '.join(lacking)}",
            "The next write makes it as a text field; make it in Mailchimp for another type.",
        )
    never_filled = sorted(field.tag for field in fields if field.required and field.tag not in chosen.fields)
    if never_filled:
        yield warning(
            "merge_fields",
            f"the audience {name} requires {' and '.join(never_filled)}, which is never filled: "
            "Mailchimp refuses everybody who is added",
            "Make it optional in Mailchimp, or fill it by a template in the client's table `fields`.",
        )
