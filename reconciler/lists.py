"""The lists of a pass: all are looked at, and every no is remembered, before any of them is written to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from reconciler.contacts import Reconciled, decide_contacts, list_report, write_contacts
from reconciler.deletion import remember_nos_before_deletion
from reconciler.errors import BackupError, CredentialsRejected, ReconcilerError, RemoteError, in_words
from reconciler.failure import FailureKind, kind_of
from reconciler.journal import begin_writing, end_writing
from reconciler.lifecycle import due_deletion, is_edit, let_go, remember_link, settle_audience, take_down
from reconciler.model import Link, ListUid, ListVerb
from reconciler.pairing import Pairing, is_deletion
from reconciler.record import keep_plan
from reconciler.report import ListReport
from reconciler.running import Pass
from reconciler.threads import threads

OTYS = "OTYS"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """One list that was looked at, and what is to be done about it."""

    pairing: Pairing
    link: Link | None
    """The link as it was remembered when the pass began."""
    contacts: Reconciled | None
    """None when the contacts are left alone."""

    @property
    def journalled(self) -> bool:
        """Whether there is anything to write that the kept plan is the journal of."""
        edits = any(is_edit(change) for change in self.pairing.changes)
        return edits or (self.contacts is not None and bool(self.contacts.writes))

    @property
    def quiet(self) -> bool:
        """Whether nothing is left to do but to remember it."""
        held = all(change.verb is ListVerb.HOLD for change in self.pairing.changes)
        released = self.contacts is not None and bool(self.contacts.guarded.released)
        return held and not self.journalled and not released


def reconcile_lists(
    running: Pass,
    pairings: Sequence[Pairing],
    links: dict[ListUid, Link],
    *,
    before_writing: Callable[[], None],
) -> tuple[ListReport, ...]:
    """Given the lists of a pass and the remembered links, bring the lists in step; return their reports.

    `before_writing` is called when every no is remembered and nothing is written yet. Lists are worked on
    side by side; audiences are deleted last, when everything else is safe.
    """

    def look(pairing: Pairing) -> Decided | ListReport:
        return _isolated(running, pairing, lambda: _look(running, pairing, links.get(pairing.list_uid)))

    def write(decided: Decided) -> Decided | ListReport:
        return _isolated(running, decided.pairing, lambda: _finish(running, decided))

    looked = _side_by_side(running, look, pairings)
    before_writing()
    waiting = [one for one in looked if isinstance(one, Decided)]
    last = [one for one in waiting if is_deletion(one.pairing)]
    first = [one for one in waiting if not is_deletion(one.pairing)]
    to_write = sum(len(one.contacts.writes) for one in waiting if one.contacts is not None)
    running.client.watcher.to_write(running.client.name, to_write)
    written = [one for group in (first, last) for one in _side_by_side(running, write, group)]
    reports = {one.list_uid: one for one in (*looked, *written) if isinstance(one, ListReport)}
    return tuple(reports[pairing.list_uid] for pairing in pairings)


_Given = TypeVar("_Given")


def _side_by_side(
    running: Pass, work: Callable[[_Given], Decided | ListReport], given: Iterable[_Given]
) -> list[Decided | ListReport]:
    with threads(running.client.workers, "list") as workers:
        jobs = [workers.submit(work, one) for one in given]
        return [job.result() for job in jobs]


def _isolated(
    running: Pass, pairing: Pairing, work: Callable[[], Decided | ListReport]
) -> Decided | ListReport:
    """One failing list never stops another, unless it shows that none can work."""
    if running.stopped.is_set():
        return replace(list_report(pairing), problem="not tried: Mailchimp rejected the key")
    with bound_contextvars(list=pairing.list_uid):
        try:
            running.client.stop.check(OTYS)
            done = work()
        except (RemoteError, BackupError) as error:
            if isinstance(error, CredentialsRejected):
                running.stopped.set()
            done = replace(list_report(pairing), problem=in_words(error), failure=kind_of(error))
        except ReconcilerError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect costs this one list, and is told with its trace
            _log.exception("list_crashed")
            problem = (
                f"this program has a defect ({type(error).__name__}); its log says where. Please report it."
            )
            done = replace(list_report(pairing), problem=problem, failure=FailureKind.OTHER)
        if isinstance(done, ListReport):
            running.client.watcher.finished_list(running.client.name, done)
        return done


def _look(running: Pass, pairing: Pairing, link: Link | None) -> Decided | ListReport:
    contacts = decide_contacts(running, pairing) if pairing.syncs else None
    deletion = due_deletion(pairing)
    if running.sink is not None and deletion is not None:
        remember_nos_before_deletion(running, deletion)
    decided = Decided(pairing, link, contacts)
    return _finish(running, decided) if running.sink is None or decided.quiet else decided


def _finish(running: Pass, decided: Decided) -> ListReport:
    intent = None
    if running.sink is not None and decided.journalled:
        intent = begin_writing(running, decided.pairing.list_uid)
    pairing, settled = settle_audience(running, decided.pairing)
    contacts = decided.contacts if pairing.syncs else None
    if contacts is not None:
        contacts = write_contacts(running, pairing, contacts)
    if intent is not None and (contacts is None or contacts.all_known):
        end_writing(running, intent)
    pairing, left = let_go(running, pairing)
    pairing, gone = take_down(running, pairing)
    first_sync = False
    if contacts is not None and contacts.in_step and pairing.link is not None:
        first_sync = running.sink is not None and not pairing.link.synced_once
        pairing = replace(pairing, link=replace(pairing.link, synced_once=True))
    remember_link(running, pairing, decided.link)
    report = list_report(pairing, contacts)
    report = replace(
        report, list_outcomes=(*settled, *report.list_outcomes, *left, *gone), first_sync=first_sync
    )
    if running.sink is None or contacts is None:
        keep_plan(running, report)
    return report
