"""A pass under watch: what both services show before and after, what the clerk knows, and every promise."""

import tempfile
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from reconciler.address import normalise, refuse_reason
from reconciler.model import ListUid
from reconciler.report import ListReport, Look, PassReport
from reconciler.sandbox.mailchimp.state import Audience
from reconciler.sandbox.otys.state import MailingList
from tests.machine import clerk, invariants
from tests.machine.clerk import Erased, Page, Screens, Shown, Why
from tests.machine.invariants import Watched
from tests.machine.office import Office
from tests.machine.people import People
from tests.machine.wire import Killed
from tests.machine.witness import MAILABLE, Did, nothing

T = TypeVar("T")

DEFAULT_POLICY: dict[str, str | bool] = {
    "archived_stranger": "hold",
    "removed_in_mailchimp": "respect",
    "archive_opted_out": False,
    "field_conflicts": "otys",
    "audience_gone": "hold",
    "unselected": "keep",
    "list_deleted": "delete",
}
GRACE_HOURS, GRACE_SNAPSHOTS = 2.0, 2
BETWEEN_PASSES = 0.2
"""Hours: longer than Mailchimp may take to show a change, so that the pass after the next may rely on it."""
MAILED_DAYS = 2
"""So long after a campaign its audience stays."""


class Watching(People):
    """Holds each pass, and each thing that an operator does, against the promises."""

    sockets = False

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.office = Office(Path(self._folder.name), sockets=self.sockets)
        self.pages: dict[str, Page] = {}
        """What the clerk wrote down about each list."""
        self.erased = Erased()
        """Who was erased on request."""
        self.homes: dict[str, str] = {}
        """To which list each audience belongs."""
        self.forgotten: set[str] = set()
        """The audiences of which an old database that was put back knows nothing."""
        self.linked: dict[str, str] = {}
        """Which audience each list has or had last."""
        self.ours: dict[str, set[str]] = {}
        """The contacts of each audience that we added or adopted."""
        self.policy: dict[str, str | bool] = dict(DEFAULT_POLICY)
        self.passes_since_deleted: dict[str, int] = {}
        self.since_pass = 0
        self.spared = 0
        """How many lists went unread in the last passes, as a service showed them to be as they were."""

    def teardown(self) -> None:
        self.office.close()
        self._folder.cleanup()

    # -- one pass and what is checked about it

    def _pass(self, *, only: str | None = None, disturbed: bool = False) -> PassReport | None:
        self.office.let_pass(BETWEEN_PASSES)
        report = self._watch(lambda: self.office.run(only=only), only=only, disturbed=disturbed)
        self.spared += 0 if report is None else report.looks[Look.SHORT]
        return report

    def _watch(
        self,
        work: Callable[[], PassReport | None],
        *,
        only: str | None = None,
        disturbed: bool = False,
        operated: bool = False,
    ) -> PassReport | None:
        """Given a pass, or what an operator does, do it and hold it against every promise."""
        self.since_pass = 0
        self._note_homes(self.pages)
        self._drop_questions_that_a_human_answered()
        screens = {one.uid: self._screens(one) for one in self._all_lists()}
        restores = self.policy["removed_in_mailchimp"] == "restore"
        seen = {
            uid: clerk.look(self.pages.get(uid, Page()), shown, restores=restores, erased=self.erased)
            for uid, shown in screens.items()
        }
        for uid, shown in screens.items():
            self.touched |= clerk.newcomers(self.pages.get(uid, Page()), shown)
            self.touched |= clerk.left_behind(self.pages.get(uid, Page()), shown)
            # A no goes along to the address where they stand now, and stays there.
            self.touched |= {at for at, who in shown.behind.items() if not who.isdisjoint(self.touched)}
        ours_before = {audience: set(contacts) for audience, contacts in self.ours.items()}
        strangers = self._strangers()
        mailed = {one.id for one in self.audiences() if self._was_mailed_lately(one)}
        self.office.witness.deeds.clear()
        owed = {} if disturbed or operated else self._owed_nos(seen, only)
        self.office.witness.before_write = lambda: self._nos_are_durable(owed)
        report, killed = self._run(work)
        self.office.witness.before_write = nothing
        self._note_homes(self.pages, seen)
        self._note_ours(screens)
        watched = Watched(
            pages=seen,
            screens=screens,
            homes=self.homes,
            ours={audience: ours_before.get(audience, set()) | now for audience, now in self.ours.items()},
            kept_lists=self._kept_lists(),
            deeds=list(self.office.witness.deeds),
            report=report,
            screens_after={uid: self._screens(self._list_of(uid)) for uid in screens},
            disturbed=disturbed,
            operated=operated,
            moved_contacts=self.moved_contacts,
        )
        looked = {uid for uid, one in watched.lists.items() if _looked(one)}
        self._nos_are_durable({uid: addresses for uid, addresses in owed.items() if uid in looked})
        self._check_deletions(watched, strangers, mailed)
        self._check(watched)
        self._turn_pages(seen, watched, killed=killed)
        return report

    def _drop_questions_that_a_human_answered(self) -> None:
        """Whoever takes a list without an audience out of GE203 wants it afresh, with everybody on it."""
        for link in self.office.store.links("acme"):
            uid = str(link.list_uid)
            if link.state != "linked" and self._audience_of(uid) is None:
                kept = {str(no.address) for no in self.office.store.base("acme", link.list_uid).nos}
                self.pages[uid] = clerk.without_questions(self.pages.get(uid, Page()), kept)

    def _owed_nos(self, seen: dict[str, Page], only: str | None) -> dict[str, set[str]]:
        """Return the addresses of every no that shows and that the pass has to remember, by list."""
        lists = {
            link.list_uid: seen[link.list_uid]
            for link in self.office.store.links("acme")
            if link.state == "linked"
            and link.list_uid in self._kept_lists()
            and only in (None, link.list_uid)
        }
        return {
            uid: {
                no.address
                for no in page.nos - self.pages.get(uid, Page()).nos
                if no.why not in (Why.TAKEN_OUT, Why.ERASED)
            }
            for uid, page in lists.items()
            if self._audience_of(uid) is not None
        }

    def _nos_are_durable(self, owed: dict[str, set[str]]) -> None:
        """I10: before each write, and when a pass that looked at the list is over, however it looked."""
        for uid, addresses in owed.items():
            kept = {str(no.address) for no in self.office.store.base("acme", ListUid(uid)).nos}
            assert addresses <= kept, f"I10: the no of {addresses - kept} to {uid} is not durable yet"

    def _run(self, work: Callable[[], T]) -> tuple[T | None, bool]:
        """Given work, do it; return what it returns, and whether its process was killed meanwhile."""
        axe = self.office.wire.axe
        try:
            return work(), False
        except Killed:
            return None, True
        finally:
            if axe.fell:
                axe.put_away()
                self.office.restart()
            axe.put_away()

    def _check(self, watched: Watched) -> None:
        store = self.office.store
        invariants.nobody_who_said_no_is_subscribed(watched)
        invariants.only_ours_are_removed(watched)
        invariants.no_removal_follows_from_half_a_look(watched)
        invariants.what_was_done_is_in_the_history(watched, store)
        invariants.history_tells_no_address(store, watched.report)
        invariants.what_is_withheld_is_shown(store, watched.report, plan_only=False)
        invariants.no_list_has_two_audiences(store, self.homes)

    def _check_deletions(
        self, watched: Watched, strangers: dict[str, set[str]], mailed: AbstractSet[str]
    ) -> None:
        """I5: an audience goes only when its list is gone for good, and nobody but ours is in it."""
        living = {one.uid for one in self.lists()}
        for uid in self.deleted_at:
            self.passes_since_deleted[uid] = self.passes_since_deleted.get(uid, 0) + 1
        for deed in watched.deeds:
            if deed.did is not Did.DELETE:
                continue
            home = self.homes[deed.audience]
            assert home not in living, f"I5: {deed} of a list that lives"
            assert self.passes_since_deleted[home] >= GRACE_SNAPSHOTS, f"I5: {deed} before its grace was over"
            since = self.office.agency.now - self.deleted_at[home]
            assert since >= timedelta(hours=GRACE_HOURS), f"I5: {deed} before its grace was over"
            # Somebody may have gone while the pass ran.
            left = strangers[deed.audience] & deed.reachable
            assert not left, f"I5: {deed} with strangers in it"
            assert deed.audience not in mailed, f"I5: {deed} too soon after a campaign"
            saved = list((self.office.folder / "state" / "backups").glob(f"*{deed.audience}*.gz"))
            assert saved, f"I5: {deed} without a backup"

    def _was_mailed_lately(self, audience: Audience) -> bool:
        sent = audience.campaign_last_sent
        return sent is not None and self.office.agency.now < sent + timedelta(days=MAILED_DAYS)

    def _strangers(self) -> dict[str, set[str]]:
        return {
            one.id: {
                contact.contact_id
                for contact in one.contacts.values()
                if contact.status in MAILABLE and contact.contact_id not in self.ours.get(one.id, set())
            }
            for one in self.audiences()
        }

    def _turn_pages(self, seen: dict[str, Page], watched: Watched, *, killed: bool) -> None:
        """What the clerk saw counts only where a pass had its look too; an operator's work notes no nos."""
        archived = {deed.contact for deed in watched.deeds if deed.did is Did.ARCHIVE}
        for uid, page in seen.items():
            report = watched.lists.get(uid)
            if report is not None and _looked(report) and not killed and not watched.operated:
                self.pages[uid] = clerk.after(page, watched.screens_after[uid], self.erased)
            else:
                self.pages[uid] = clerk.only_ends(self.pages.get(uid, Page()), page, archived)

    # -- what the screens show

    def _contact(self, number: int) -> tuple[str, str]:
        """Whoever is done something to is told apart afterwards by who they are, too: they may have moved."""
        audience, address = super()._contact(number)
        contact = self.office.sandbox.world.mailchimp.audiences[audience].at_address(address)
        for uid, page in self.pages.items():
            self.touched |= self._screens(self._list_of(uid)).behind.get(address.lower(), frozenset())
            for reached, people in page.reached.values():
                if contact is not None and reached == contact.contact_id:
                    self.touched |= people
        return audience, address

    def _all_lists(self) -> list[MailingList]:
        return list(self.office.sandbox.world.otys.lists.values())

    def _list_of(self, uid: str) -> MailingList:
        return self.office.sandbox.world.otys.lists[uid]

    def _kept_lists(self) -> set[str]:
        flagged = set(self.office.sandbox.world.otys.flagged())
        return {one.uid for one in self.lists() if one.uid in flagged}

    def _screens(self, of: MailingList) -> Screens:
        otys = self.office.sandbox.world.otys
        behind: dict[str, set[str]] = {}
        people: set[str] = set()
        opted_out: set[str] = set()
        for row in () if of.deleted else of.recipients.values():
            who = f"manual:{row.uid}" if row.kind == "manual" else f"{row.kind}:{row.entity}"
            entity = otys.entity(row.kind, row.entity)
            if entity is not None and entity.opted_out:
                opted_out.add(who)
            address = normalise(otys.address_of(row))
            if address:
                people.add(who)
            if not refuse_reason(address):
                behind.setdefault(address, set()).add(who)
        audience = self._audience_of(of.uid)
        contacts = (
            () if audience is None else self.office.sandbox.mailchimp.audience(audience).contacts.values()
        )
        return Screens(
            behind={address: frozenset(who) for address, who in behind.items()},
            people=frozenset(people),
            opted_out=frozenset(opted_out),
            contacts={one.email_address.lower(): Shown(one.contact_id, str(one.status)) for one in contacts},
            audience_there=audience is not None,
        )

    def _audience_of(self, uid: str) -> str | None:
        """The list view's column "MailChimp": which audience belongs to a list."""
        there = self.office.sandbox.world.mailchimp.audiences
        audience = self.linked.get(uid)
        return audience if audience in there else None

    def _note_homes(self, *known: dict[str, Page]) -> None:
        """The audience of a list that is gone may go to another list, and the nos said in it go with it."""
        self.linked = {}
        for link in self.office.store.links("acme"):
            if link.audience_id is None:
                continue
            self.linked[str(link.list_uid)] = str(link.audience_id)
            audience, uid = str(link.audience_id), str(link.list_uid)
            before = self.homes.setdefault(audience, uid)
            if before == uid:
                self.forgotten.discard(audience)
            elif link.state == "linked" and self._cannot_be_told_whose(audience, before):
                self.homes[audience] = uid
            elif link.state == "linked" and self._list_of(before).deleted:
                self.homes[audience] = uid
                for pages in known:
                    pages[uid] = clerk.inherit(pages.get(uid, Page()), pages.get(before, Page()))

    def _cannot_be_told_whose(self, audience: str, home: str) -> bool:
        """As docs/operations.md says: newer than the copy put back, and called otherwise than its list.

        Or called like that list and like another one.
        """
        there = self.office.sandbox.world.mailchimp.audiences.get(audience)
        name = self._list_of(home).name
        renamed = there is not None and there.name != name
        several = sum(one.name == name for one in self._all_lists()) > 1
        return audience in self.forgotten and (renamed or several)

    def _note_ours(self, screens: dict[str, Screens]) -> None:
        for deed in self.office.witness.deeds:
            contacts = self.ours.setdefault(deed.audience, set())
            if deed.did in (Did.ADD, Did.REVIVE):
                contacts.add(deed.contact)
            elif deed.did is Did.ARCHIVE:
                contacts.discard(deed.contact)
        for uid, shown in screens.items():
            audience = self._audience_of(uid)
            if audience is not None:
                self.ours.setdefault(audience, set()).update(
                    contact.contact
                    for address, contact in shown.contacts.items()
                    if address in shown.behind and contact.standing == "subscribed"
                )


def _looked(report: ListReport) -> bool:
    if report.guarded is None or report.problem:
        return False
    facts = report.guarded.plan.facts
    return facts.recipients.complete and facts.contacts.complete
