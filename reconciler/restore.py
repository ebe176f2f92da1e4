"""Restores a deleted audience from its backup, or shows what that would do."""

from pathlib import Path

from reconciler.backup import Backup, backups_of, newest_backup, read_backup
from reconciler.client import Client
from reconciler.config import Mode
from reconciler.deed import is_named
from reconciler.errors import BackupError, ReconcilerError, StaleApproval, UnexpectedAnswer
from reconciler.listing import bring_together
from reconciler.model import Address, Audience, AudienceCatalogue, Link, LinkState, ListUid, PassId
from reconciler.pairing import Pairing
from reconciler.reconcile import operate
from reconciler.report import ListReport, PassReport
from reconciler.restoration import Restoration, SaidNo, divide
from reconciler.restoring import begun_audience, carry_out, open_restoration
from reconciler.running import Pass

RESTORE = "restore"
_NO_PASS = PassId(0)  # looking is no pass: nothing of it is recorded


def find_backup(client: Client, list_uid: ListUid, path: Path | None = None) -> Backup:
    """Given a list, and a file unless its newest backup is meant, return the backup.

    Raise BackupError when there is none, it is another list's, or it cannot be trusted.
    """
    if path is None:
        path = newest_backup(client.backups, client.name, list_uid)
        if path is None:
            known = backups_of(client.backups, client.name)
            there = {f"{head.list_uid} ({head.list_name})": None for _, head in known}
            raise BackupError(
                f"There is no backup of list {list_uid} of {client.name} in {client.backups}.",
                advice=f"There are backups of list {', '.join(there)}."
                if there
                else "There are none at all.",
            )
    backup = read_backup(path)
    if (backup.head.client, backup.head.list_uid) != (client.name, list_uid):
        raise BackupError(
            f"{path.name} is a backup of list {backup.head.list_uid} of {backup.head.client}, "
            f"not of list {list_uid} of {client.name}.",
        )
    return backup


def look_at_restoration(client: Client, backup: Backup) -> Restoration:
    """Given a client and a backup, return what restoring it comes to. Nothing is written.

    Raise ReconcilerError when it cannot be told.
    """
    integration = client.lists.integration()
    if not integration.enabled:
        raise ReconcilerError(
            f"The integration of {client.name} is switched off in OTYS (setting 3109): nothing is restored.",
            advice="Switch it on in OTYS, or set 3109 in the client's settings of the configuration.",
        )
    with client.open_mailchimp(integration) as mailchimp:
        running = Pass(client=client, id=_NO_PASS, mailchimp=mailchimp)
        return _restoration(running, backup, running.source.audiences())


def restore(client: Client, backup: Backup, *, digest: str) -> tuple[Restoration, PassReport | None]:
    """Given a client and a backup that was looked at, restore exactly what was approved.

    Return it, and the pass that did it; None when it may not be restored. Raise StaleApproval when it is
    something else by now, LockHeld when a pass runs, and ReconcilerError when the client may not write.
    """
    found: list[Restoration] = []

    def work(running: Pass, _pairings: tuple[Pairing, ...]) -> tuple[ListReport, ...]:
        there = running.source.audiences()
        restoration = _restoration(running, backup, there)
        found.append(restoration)
        if running.sink is None or not is_named(restoration.digest, digest):
            return ()
        return (carry_out(running, running.sink, restoration, there),)

    if client.mode != Mode.APPLY:
        raise ReconcilerError(
            f"{client.name} is in plan mode: nothing is written to Mailchimp.",
            advice='Set its mode to "apply" in the configuration first.',
        )
    report = operate(client, trigger=f"{RESTORE} {backup.head.list_uid}", work=work)
    if not found:
        raise ReconcilerError(f"Nothing was restored: {'; '.join(report.problems)}")
    restoration = found[0]
    if restoration.hold:
        return restoration, None
    if not is_named(restoration.digest, digest):
        raise StaleApproval(
            f"What would be restored now does not have the digest {digest.strip()!r}.",
            advice="Run the command again without --approve, look at it, and approve the digest it shows.",
        )
    return restoration, report


def _restoration(running: Pass, backup: Backup, there: AudienceCatalogue) -> Restoration:
    client, uid = running.client, backup.head.list_uid
    links = {link.list_uid: link for link in client.store.links(client.name)}
    audience = begun_audience(open_restoration(running, uid), there, links)
    said_no = SaidNo(
        base=client.store.base(client.name, uid),
        opted_out=_opted_out(client, uid),
        is_erased=client.store.is_erased(client.name),
    )
    back, left_out = divide(backup, said_no)
    return Restoration(
        client=client.name,
        backup=backup,
        back=back,
        left_out=left_out,
        hold=_hold(backup, there, links.get(uid), audience),
        audience_id=None if audience is None else audience.id,
    )


def _opted_out(client: Client, uid: ListUid) -> frozenset[Address]:
    """Who opted out in OTYS of a list that is there again. Raise RemoteError when that cannot be read."""
    catalogue = client.lists.catalogue()
    mailing_list = next((one for one in catalogue.lists if one.uid == uid), None)
    if mailing_list is None:
        return frozenset()
    recipients = client.lists.recipients(mailing_list)
    if not recipients.tally.complete:
        raise UnexpectedAnswer(
            "OTYS",
            f"the list could not be read completely: {recipients.tally.problem}",
            advice="Who opted out there is not known now; run the command again.",
        )
    listed = bring_together(recipients.recipients, client.templates).by_address.values()
    return frozenset(one.address for one in listed if one.opted_out)


def _hold(backup: Backup, there: AudienceCatalogue, link: Link | None, begun: Audience | None) -> str:
    """Return why nothing may be restored: whoever is in two audiences would get every mail twice."""
    if not there.tally.complete:
        return f"the audiences were not read completely: {there.tally.problem}"
    own = next((one for one in there.audiences if link is not None and one.id == link.audience_id), None)
    if link is not None and own is not None and link.state is LinkState.LINKED:
        return (
            f"its audience {own.id} was not deleted yet: bring the list back in OTYS, or keep the audience "
            'with policy.list_deleted = "keep"'
            if link.absent_passes
            else f"it has an audience, {own.id}, whose contacts come from OTYS"
        )
    if begun is not None:
        return ""
    if own is not None:
        return f"its audience is there, {own.id}: it was restored before, or never deleted"
    name = backup.head.name.strip()
    namesake = next((one for one in there.audiences if one.name.strip() == name), None)
    if namesake is not None:
        return (
            f"there is an audience of the same name, {namesake.id}. If the list was made anew in OTYS, that "
            "audience follows it and nothing is lost; if it is about something else, rename it in Mailchimp"
        )
    constraints = there.constraints
    full = constraints.maximum is not None and constraints.current >= constraints.maximum
    if full or not constraints.may_create:
        return f"the Mailchimp plan allows {constraints.maximum} audiences and has {constraints.current}"
    return ""
