"""What shows, without reading it, that a side of a list is as it was: OTYS' catalogue, Mailchimp's newest.

A decision is only ever made from two whole sides. All that these spare is reading one that did not change.
"""

from reconciler.api.tape import Tape
from reconciler.errors import RemoteError
from reconciler.model import MailingList, RecipientSnapshot
from reconciler.resting import AtRest
from reconciler.running import Pass
from reconciler.trust import NO_EVIDENCE, TrustState


def recipients_stand(running: Pass, before: AtRest) -> bool:
    """Given a list as it came to rest, return whether the catalogue, which is believed, shows it so still."""
    mailing_list = before.pairing.mailing_list  # the row as it is now: else it would not be at rest
    if running.catalogue is not TrustState.TRUSTED or mailing_list is None:
        return False
    return running.client.catalogue_watch.stands(mailing_list, before.recipients_seen)


def contacts_stand(running: Pass, before: AtRest) -> bool:
    """Given a list as it came to rest, return whether a look at its audience shows it so still."""
    audience, glance = before.pairing.audience, before.found.glance
    if audience is None or glance is None or not glance.settled(before.contacts_seen):
        return False
    try:
        newest = running.source.newest(audience.id)
    except RemoteError:
        return False  # its pages must tell
    return newest is not None and newest.glance() == glance


def note_row(running: Pass, mailing_list: MailingList | None) -> None:
    """Given a list as the catalogue of this pass shows it, settle whether it lied about it before."""
    if mailing_list is not None and _watches(running):
        running.client.catalogue_watch.look(mailing_list)


def note_recipients(running: Pass, of: MailingList, snapshot: RecipientSnapshot, tape: Tape) -> None:
    """Given a list and its recipients, note whether the catalogue announced what changed about them.

    Where more was read than the list's own pages, it could not.
    """
    if _watches(running) and tape.trace:
        running.client.catalogue_watch.read(of, snapshot, running.now())


def catalogue_of(running: Pass) -> TrustState:
    """Given a pass, return what the client's catalogue is good for in it."""
    client = running.client
    if not client.limits.trust_catalogue:
        return TrustState.FORBIDDEN
    return client.store.catalogue_trust(client.name).state


def keep_evidence(running: Pass) -> TrustState:
    """Given a pass that is over, remember what it saw of the catalogue; return what that is good for now."""
    client = running.client
    seen = client.catalogue_watch.take_evidence()
    if seen == NO_EVIDENCE or not _watches(running):
        return running.catalogue
    before = client.store.catalogue_trust(client.name)
    after = before.after(seen, running.now())
    if after != before:
        client.store.keep_catalogue_trust(client.name, after)
    return after.state


def _watches(running: Pass) -> bool:
    """Without the lock, what is seen is not remembered."""
    return running.lock is not None and running.catalogue in (TrustState.WATCHED, TrustState.TRUSTED)
