"""A list that was deleted in OTYS, and its audience with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.backup import Backup, read_backup
from reconciler.client import Client, Unwatched
from reconciler.config import load_config
from reconciler.model import ListUid
from reconciler.report import PassReport
from reconciler.restoration import Restoration
from reconciler.restore import find_backup, look_at_restoration, restore
from reconciler.sandbox.mailchimp.state import Contact
from reconciler.sandbox.otys.state import MailingList
from reconciler.wiring import open_client
from tests.passes.agency import Agency

AT_ONCE = "grace_snapshots = 1\ngrace_hours = 0\nrecent_campaign_days = 0"
PEOPLE = ("jan@zorg.nl", "piet@zorg.nl", "anna@zorg.nl", "kees@zorg.nl")


def crew(acme: Agency) -> MailingList:
    """Return a list in step, of which one person unsubscribed, one bounced, and tags and fields are set."""
    acme.configure(limits=AT_ONCE)
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.tag(audience, "jan@zorg.nl", "Nachtdienst")
    acme.sandbox.mailchimp.tag(audience, "piet@zorg.nl", "Nachtdienst")
    acme.sandbox.mailchimp.unsubscribe(audience, "anna@zorg.nl")
    acme.sandbox.mailchimp.bounce(audience, "kees@zorg.nl")
    return nurses


def deleted(acme: Agency) -> MailingList:
    """Return a list that was deleted with its audience."""
    nurses = crew(acme)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert names(acme) == ["Chauffeurs"]
    return nurses


def backups(acme: Agency) -> list[Path]:
    return sorted((acme.folder / "state" / "backups").glob("*.gz"))


def the_backup(acme: Agency) -> Backup:
    (path,) = backups(acme)
    return read_backup(path)


def names(acme: Agency) -> list[str]:
    return sorted(audience.name for audience in acme.world.mailchimp.audiences.values())


def contacts(acme: Agency, name: str) -> dict[str, Contact]:
    """Given the name of the one audience called so, return its contacts by address."""
    (audience,) = [one for one in acme.world.mailchimp.audiences.values() if one.name == name]
    return {one.email_address: one for one in audience.contacts.values()}


def subscribed(acme: Agency, name: str) -> set[str]:
    return {email for email, one in contacts(acme, name).items() if one.status == "subscribed"}


def look(acme: Agency, of: MailingList) -> Restoration:
    with _client(acme, plan_only=True) as client:
        return look_at_restoration(client, find_backup(client, ListUid(of.uid)))


def bring_back(acme: Agency, of: MailingList, digest: str = "") -> PassReport | None:
    """Restore the audience of a list as it is shown now, or exactly what has this digest."""
    digest = digest or look(acme, of).digest
    with _client(acme) as client:
        return restore(client, find_backup(client, ListUid(of.uid)), digest=digest)[1]


@contextmanager
def _client(acme: Agency, *, plan_only: bool = False) -> Iterator[Client]:
    config = load_config(acme.write_config(), {})
    with open_client(
        "acme", config, acme.store, Unwatched(), plan_only=plan_only, now=lambda: acme.now
    ) as client:
        yield client
