"""The world machine: people act on both sides, passes run among trouble, and every promise is checked."""

# ruff: noqa: FBT001 (Hypothesis passes the arguments of a rule by name)
import copy
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from reconciler.address import normalise
from reconciler.client import Client
from reconciler.errors import BackupError, ReconcilerError, StaleApproval
from reconciler.model import ListUid, ListVerb
from reconciler.releasing import Wish, look_at_release, release
from reconciler.report import PassReport
from reconciler.restore import find_backup, look_at_restoration, restore
from reconciler.sandbox.faults import TRANSPORT_KINDS, Fault, FaultKind
from reconciler.sandbox.mailchimp.switches import Switches
from reconciler.sandbox.otys.state import Modified
from reconciler.store import PassRecord
from reconciler.trust import ANNOUNCED_ENOUGH, EDITS_ENOUGH, Evidence, Trust
from reconciler.undoing import Undone, undo_pass
from tests.machine import clerk, invariants
from tests.machine.clerk import Page, Screens
from tests.machine.erasing import Erasing, on_screen
from tests.machine.people import usable, which
from tests.machine.watching import GRACE_HOURS, GRACE_SNAPSHOTS, MAILED_DAYS
from tests.machine.wire import Meanwhile, Moment

STEPS = {"run": 0, "spared": 0}
"""How many rules were carried out without a promise broken, and how many lists went unread, for the soak."""

CHOICES: dict[str, tuple[str | bool, ...]] = {
    "archived_stranger": ("hold", "add"),
    "removed_in_mailchimp": ("respect", "restore"),
    "archive_opted_out": (True, False),
    "field_conflicts": ("otys", "mailchimp"),
    "audience_gone": ("hold", "recreate"),
    "unselected": ("keep", "archive-members"),
    "list_deleted": ("delete", "archive-members", "keep"),
}
LIMITS = (
    "removals_free = 10",
    "removals_free = 1\nremovals_percent = 20",
    "growth_above = 1\ngrowth_percent = 50",
)
BELIEVED = Trust(evidence=Evidence(announced=ANNOUNCED_ENOUGH, edits=EDITS_ENOUGH))
FIELDS = ('FNAME = "{first_name}"', 'FNAME = "{first_name}"\nNAAM = "{first_name} {last_name}"')
NOT_ARRIVED = (FaultKind.SHORT_PAGE, FaultKind.LYING_TOTAL)
FAULTS = (
    *NOT_ARRIVED,
    FaultKind.SERVER_ERROR,
    FaultKind.TOO_MANY_REQUESTS_BARE,
    FaultKind.FORBIDDEN_HTML,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TIMEOUT_AFTER_APPLY,
    FaultKind.DROP_AFTER_APPLY,
    FaultKind.CUT_BODY,
    FaultKind.GARBAGE,
    FaultKind.EMPTY_BODY,
    FaultKind.DEAD_SESSION,
    FaultKind.IN_BAND_ERROR,
    FaultKind.MISSING_RESULT,
    FaultKind.LIST_LIMITS,
)
RECIPIENTS, MEMBERS = "RecipientService", "/members"
MEANWHILE = ("unsubscribe", "archive", "delete_permanently", "leave", "opt_out")


@dataclass(frozen=True)
class Backup:
    """An old database, and what the clerk knew when it was made."""

    database: bytes
    pages: dict[str, Page]
    homes: dict[str, str]
    ours: dict[str, set[str]]


class WorldMachine(Erasing):
    """People, passes and trouble, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.backup: Backup | None = None
        self.memory_is_old = False
        self.patience = 0
        self._configure(LIMITS[0])

    @initialize(lenient=st.booleans(), honest=st.booleans(), patience=st.integers(1, 5))
    def begin(self, lenient: bool, honest: bool, patience: int) -> None:
        """With a lenient Mailchimp nobody but us keeps a person from being subscribed again.

        The catalogue of an honest OTYS is believed; the other one tells of comings and goings alone.
        """
        self.patience = patience
        if honest:
            self.office.sandbox.world.otys.switches.last_modified = Modified.EVERYTHING
            self.office.store.keep_catalogue_trust("acme", BELIEVED)
        if lenient:
            self.office.sandbox.world.mailchimp.switches = Switches.lenient()
        self.create_list(name="Zorg", flagged=True, count=4, first=0)
        self._pass()

    # -- passes

    @invariant()
    def a_pass_comes_round(self) -> None:
        """As the daemon's clock has it: so many things happen between two passes, and not more."""
        STEPS["run"] += 1
        STEPS["spared"], self.spared = STEPS["spared"] + self.spared, 0
        self.since_pass += 1
        if self.since_pass > self.patience:
            self._pass()

    @rule()
    def run_pass(self) -> None:
        self._pass()

    @rule()
    def plan(self) -> None:
        before = self.office.sandbox.log.last_number()
        report = self.office.run(plan_only=True)
        assert not self.office.sandbox.log.writes(after=before), "a plan wrote to Mailchimp"
        invariants.history_tells_no_address(self.office.store, report)

    @precondition(lambda self: self.lists())
    @rule(number=which)
    def run_one_list(self, number: int) -> None:
        self._pass(only=self._list(number).uid)

    @rule(
        kind=st.sampled_from(FAULTS),
        system=st.sampled_from(("otys", "mailchimp")),
        skip=st.integers(0, 25),
        times=st.sampled_from((1, 1, 2, 5, 60)),
    )
    def run_pass_among_faults(self, kind: FaultKind, system: str, skip: int, times: int) -> None:
        value = {FaultKind.SHORT_PAGE: 1, FaultKind.LYING_TOTAL: 1}.get(kind)
        if kind not in TRANSPORT_KINDS:
            skip %= 4  # it strikes pages, of which a pass reads few
        self.office.sandbox.faults.add(Fault(kind=kind, system=system, skip=skip, times=times, value=value))
        self._pass(disturbed=True)
        self.office.sandbox.faults.clear()

    @rule(missing=st.integers(1, 4), side=st.sampled_from((RECIPIENTS, MEMBERS)))
    def run_pass_with_half_a_list(self, missing: int, side: str) -> None:
        """Every page lacks its last rows, however often it is asked for."""
        self.office.sandbox.faults.add(
            Fault(kind=FaultKind.SHORT_PAGE, pattern=side, times=None, value=missing)
        )
        self._pass(disturbed=True)
        self.office.sandbox.faults.clear()

    @rule(moments=st.integers(0, 120))
    def run_pass_and_kill_it(self, moments: int) -> None:
        if not self.sockets:
            self.office.wire.axe.raise_over(moments)
            self._pass(disturbed=True)

    @rule(writes=st.integers(0, 3))
    def run_pass_and_lose_an_answer(self, writes: int) -> None:
        """It dies before the answer to a write: the next pass tells what was done by then, and no more."""
        if self.sockets:
            return
        ended = max((one.id for one in self.office.store.passes("acme", limit=1)), default=0)
        self.office.wire.axe.raise_over(writes, (Moment.WRITTEN,))
        self._pass(disturbed=True)
        deeds = list(self.office.witness.deeds)
        self._pass()
        deeds += self.office.witness.deeds
        store = self.office.store
        told = [
            row for one in store.passes("acme", limit=2) if one.id > ended for row in store.outcomes(one.id)
        ]
        invariants.nothing_else_is_in_the_history(deeds, told, store, self.moved_contacts)

    @precondition(lambda self: self.contacts())
    @rule(after=st.integers(0, 25), number=which, deed=st.sampled_from(MEANWHILE))
    def run_pass_while_somebody_acts(self, after: int, number: int, deed: str) -> None:
        """A no said between our look and our write is heard by the next pass; this one must not trip."""
        self.office.wire.meanwhile = Meanwhile(after, lambda: self._act(deed, number))
        self._pass(disturbed=True)
        self.office.wire.meanwhile = None

    @precondition(lambda self: self.contacts())
    @rule(number=which, deed=st.sampled_from(MEANWHILE), restarted=st.booleans())
    def act_after_a_rest(self, number: int, deed: str, restarted: bool) -> None:
        """After two passes that find nothing else, lists are at rest: the third must notice this alone.

        So must a new process, which knows of their rest from the database.
        """
        self._pass()
        self._pass()
        self._act(deed, number)
        if restarted:
            self.office.restart()
        self._pass()

    @rule()
    def restart(self) -> None:
        self.office.restart()

    def _act(self, deed: str, number: int) -> None:
        if deed == "leave" and self.rows():
            self.leave(number)
        elif deed == "opt_out" and self.persons():
            self.opt_out(number, opted_out=True)
        elif deed in ("archive", "delete_permanently") and self.contacts():
            getattr(self, deed)(number)
        elif self.contacts():
            self.say_no(number, "unsubscribe")

    @rule(number=which, approve=st.sampled_from((True, True, False)))
    def approve(self, number: int, approve: bool) -> None:
        waiting = sorted(
            one.digest for one in self.office.store.proposals("acme", now=self.office.agency.now)
        )
        digest = waiting[number % len(waiting)] if waiting and approve else "0" * 64
        try:
            self.office.store.approve(digest, by="somebody", now=self.office.agency.now)
        except StaleApproval:
            assert digest not in waiting

    @precondition(lambda self: self.lists())
    @rule()
    def rest(self) -> None:
        """Nobody does anything: one pass brings everything in step, and the next one writes nothing."""
        self.office.sandbox.otys.set_setting("SE3109", "1")
        self.office.let_pass(25)
        for _ in range(GRACE_SNAPSHOTS if self.passes_since_deleted else 1):
            self._pass()
        self._approve_everything()
        report = self._pass()
        if _awaits_an_audience(report):
            report = self._pass()
        writes = self.office.agency.writes_of(self._pass)
        assert not writes, f"I3: not at rest after {report}: {writes}"
        self.office.restart()
        writes = self.office.agency.writes_of(self._pass)
        assert not writes, f"I3: not at rest in a new process: {writes}"
        self._check_equality()
        self._check_orphans()
        self._check_no_trace(self.erased.addresses)

    # -- what an operator does

    @rule(back=st.integers(0, 3))
    def undo(self, back: int) -> None:
        """Undo one of the last passes: look at it, and do exactly what was shown."""
        done = [
            one for one in self.office.store.passes("acme", limit=20) if one.mode == "apply" and one.ended_at
        ]
        if not done:
            return
        record = done[back % len(done)]
        shown = self.office.with_client(
            lambda client: undo_pass(client, record, by="somebody"), plan_only=True
        )
        if shown.digest:
            before = [self._screens(one) for one in self._all_lists()]
            self._watch(lambda: self._undone(record, shown.digest), operated=True)
            self._forget_who_was_touched_by_an_operator(before)
            self._forget_who_was_adopted(record)

    def _forget_who_was_adopted(self, undone: PassRecord) -> None:
        """An adoption that is undone leaves the contact as it is, and a stranger."""
        store = self.office.store
        adopted = {row.address_key for row in store.outcomes(undone.id) if row.verb == "adopt"}
        for uid, page in self.pages.items():
            left = {address for address in page.reached if store.key_address(address) in adopted}
            self.pages[uid] = clerk.let_go(page, left)

    def _undone(self, record: PassRecord, digest: str) -> PassReport:
        def do(client: Client) -> Undone:
            return undo_pass(client, record, by="somebody", approved=digest)

        return self.office.with_client(do).report

    @rule(email=usable)
    def release(self, email: str) -> None:
        """Somebody told the agency that they want the mails again."""
        wish = Wish(address=normalise(email), because="telephoned")
        try:
            shown = self.office.with_client(lambda client: look_at_release(client, wish), plan_only=True)
        except ReconcilerError as error:
            if "switched off" in str(error) or "nobody can release" in str(error):
                return
            raise
        if not shown.digest:
            return
        remembered = {str(one.list_uid): self._remembered_at(email, one.list_uid) for one in shown.releases}
        self.office.with_client(lambda client: release(client, wish, digest=shown.digest, by="somebody"))
        for one in shown.releases:
            uid = str(one.list_uid)
            people = self._screens(self._list_of(uid)).behind.get(email, frozenset()) | remembered[uid]
            self.pages[uid] = clerk.release(self.pages.get(uid, Page()), email, people)
        self.touched.add(email)

    def _remembered_at(self, email: str, uid: ListUid) -> frozenset[str]:
        """Whom the operator was shown as saying no there: a release counts for them everywhere."""
        nos = self.office.store.base("acme", uid).nos
        return frozenset(on_screen(who) for no in nos if no.address == email for who in no.persons)

    @precondition(lambda self: self.deleted_at)
    @rule(number=which)
    def restore(self, number: int) -> None:
        """Bring the audience of a deleted list back from its backup."""
        uid = ListUid(sorted(self.deleted_at)[number % len(self.deleted_at)])
        try:
            digest = self.office.with_client(lambda client: _restorable(client, uid), plan_only=True)
        except BackupError:
            return
        if digest:
            before = [self._screens(one) for one in self._all_lists()]
            self._watch(
                lambda: self.office.with_client(lambda client: _restored(client, uid, digest)), operated=True
            )
            self._forget_who_was_touched_by_an_operator(before)
            self.moved_names = True

    def _forget_who_was_touched_by_an_operator(self, before: list[Screens]) -> None:
        """What an operator did stands until the data changes: I4 is about what passes do."""
        self.touched.update(deed.address for deed in self.office.witness.deeds)
        contacts = {deed.contact for deed in self.office.witness.deeds}
        for shown in before:
            for address, contact in shown.contacts.items():
                if contact.contact in contacts:
                    self.touched |= {address, *shown.behind.get(address, ())}

    @rule(hours=st.sampled_from((0.5, 3.0, 30.0, 100.0)))
    def let_time_pass(self, hours: float) -> None:
        self.office.let_pass(hours)

    @rule(key=st.sampled_from(tuple(CHOICES)), number=which)
    def choose_policy(self, key: str, number: int) -> None:
        self.policy[key] = CHOICES[key][number % len(CHOICES[key])]
        self._configure()

    @rule(limits=st.sampled_from(LIMITS))
    def choose_limits(self, limits: str) -> None:
        self._configure(limits)

    @rule(fields=st.sampled_from(FIELDS))
    def choose_fields(self, fields: str) -> None:
        self.office.agency.fields = fields

    @rule()
    def back_up(self) -> None:
        self.backup = Backup(
            self.office.back_up(),
            copy.deepcopy(self.pages),
            dict(self.homes),
            copy.deepcopy(self.ours),
        )

    @precondition(lambda self: self.backup is not None)
    @rule()
    def put_old_backup_back(self) -> None:
        if self.backup is None:
            return
        store = self.office.store
        remembered = {
            uid: {str(no.address) for no in store.base("acme", ListUid(uid)).nos} for uid in self.pages
        }
        self.office.restore(self.backup.database)
        self.pages = {
            uid: clerk.with_old_memory(
                self.pages.get(uid, Page()), self.backup.pages.get(uid, Page()), remembered.get(uid, set())
            )
            for uid in {*self.pages, *self.backup.pages}
        }
        self.homes.update(self.backup.homes)
        self.forgotten = self.homes.keys() - {link.audience_id for link in self.office.store.links("acme")}
        for audience, contacts in self.backup.ours.items():
            self.ours[audience] |= contacts  # who left since, and came back alone, is remembered as ours
        self._remember_who_was_erased()
        self.moved_contacts.update(one.id for one in self.audiences())  # what was renamed since is forgotten
        self.memory_is_old = self.moved_names = True

    # -- at rest

    def _approve_everything(self) -> None:
        now = self.office.agency.now
        for proposal in self.office.store.proposals("acme", now=now):
            self.office.store.approve(proposal.digest, by="somebody", now=now)

    def _check_equality(self) -> None:
        """I4, for everybody about whom nobody said or did anything in Mailchimp."""
        links = {link.list_uid: link for link in self.office.store.links("acme") if link.state == "linked"}
        for one in self.lists():
            if one.uid not in links or one.uid not in self._kept_lists():
                continue
            shown, page = self._screens(one), self.pages.get(one.uid, Page())
            if not shown.audience_there or self.memory_is_old:
                continue
            subscribed = {at for at, contact in shown.contacts.items() if contact.standing == "subscribed"}
            plain = {
                address
                for address, people in shown.behind.items()
                if address not in self.touched
                and people.isdisjoint(self.touched)
                and not address.endswith("@example.com")
                and page.no_of(address, people) is None
            }
            assert plain <= subscribed, f"I4: {plain - subscribed} should be in the audience of {one.uid}"

    def _check_orphans(self) -> None:
        """I6: no audience was made twice, however a pass ended."""
        linked = {str(link.audience_id) for link in self.office.store.links("acme")}
        made = {one.id for one in self.audiences()} - self.humans_audiences
        assert self.moved_names or made <= linked, f"I6: {made - linked} belong to no list"

    def _configure(self, limits: str | None = None) -> None:
        keys = (
            f"{key} = {str(value).lower() if isinstance(value, bool) else f'{value!r}'}"
            for key, value in self.policy.items()
        )
        self.office.agency.configure(policy="\n".join(keys))
        if limits is not None:
            grace = f"grace_hours = {GRACE_HOURS}\ngrace_snapshots = {GRACE_SNAPSHOTS}"
            mailed = f"recent_campaign_days = {MAILED_DAYS}"
            self.office.agency.configure(limits=f"{limits}\n{grace}\n{mailed}")


def _awaits_an_audience(report: PassReport | None) -> bool:
    """Whether a list waits until the pass lets another one go, whose audience it takes over."""
    lists = () if report is None else report.lists
    return any(change.verb is ListVerb.HOLD for one in lists for change in one.list_changes)


def _restorable(client: Client, uid: ListUid) -> str:
    return look_at_restoration(client, find_backup(client, uid)).digest


def _restored(client: Client, uid: ListUid, digest: str) -> PassReport | None:
    return restore(client, find_backup(client, uid), digest=digest)[1]
