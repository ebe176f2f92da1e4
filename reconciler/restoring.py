"""Carries out a restoration: the audience, its merge fields, contacts and tags; goes on where it was cut off.

Everything about the audience itself is recorded with the pass that began it, once, however often the command
is repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from reconciler.api.mailchimp_wire import field_texts
from reconciler.audience_record import MergeFieldRecord
from reconciler.backup import SavedContact
from reconciler.contacts import Reconciled, list_report, remember_nos, write_contacts
from reconciler.errors import BadRequest, PermissionDenied, RemoteError, in_words
from reconciler.failure import kind_of
from reconciler.guard import Guarded
from reconciler.journal import FOUND_DONE, begin_writing, end_writing
from reconciler.model import (
    Address,
    Audience,
    AudienceCatalogue,
    AudienceId,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Contact,
    Link,
    LinkState,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    Outcome,
    Result,
    Standing,
    Tally,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.plan import Facts, ListPlan
from reconciler.ports import AudienceSink, NewAudience
from reconciler.recall import saved_nos
from reconciler.report import ListReport
from reconciler.restoration import Restoration, extras_of, merge_fields_of
from reconciler.running import Pass
from reconciler.store import Intent, IntentKind

_NOTHING = Tally(rows=0, declared_before=0, declared_after=0)


def open_restoration(running: Pass, uid: ListUid) -> Intent | None:
    """Given a list, return the restoration of its audience that began and is not over, if there is one."""
    intents = running.client.store.open_intents(running.client.name)
    return next(
        (one for one in intents if one.kind is IntentKind.RESTORE_AUDIENCE and one.list_uid == uid), None
    )


def begun_audience(
    begun: Intent | None, there: AudienceCatalogue, links: Mapping[ListUid, Link]
) -> Audience | None:
    """Given a restoration that began, return the audience that it created; None if it came to none."""
    if begun is None:
        return None
    link = links.get(begun.list_uid)
    known = begun.detail["existing"].split()
    others = {one.audience_id for one in links.values() if one.list_uid != begun.list_uid}
    new = [one for one in there.audiences if one.id not in known and one.id not in others]
    if link is not None and any(one.id == link.audience_id for one in new):
        return next(one for one in new if one.id == link.audience_id)
    of_that_name = [one for one in new if one.name == begun.detail["name"]]
    return of_that_name[0] if len(of_that_name) == 1 else None


def carry_out(
    running: Pass, sink: AudienceSink, restoration: Restoration, there: AudienceCatalogue
) -> ListReport:
    """Given a restoration that may be carried out, do what is left of it. What fails is in the report."""
    work = _Restoring(running, sink, restoration)
    try:
        return work.run(there)
    except RemoteError as error:
        return replace(work.report(), problem=in_words(error), failure=kind_of(error))


class _Restoring:
    def __init__(self, running: Pass, sink: AudienceSink, restoration: Restoration) -> None:
        self._running = running
        self._sink = sink
        self._restoration = restoration
        self._head = restoration.backup.head
        self._reason = f"restored from backup {restoration.backup.path.name}"
        self._store = running.client.store
        self._client = running.client.name
        self._changes: list[ListChange] = []
        self._outcomes: list[ListOutcome] = []
        self._audience: Audience | None = None
        self._contacts: Reconciled | None = None

    def run(self, there: AudienceCatalogue) -> ListReport:
        self._remember_nos()
        begun = open_restoration(self._running, self._head.list_uid) or self._begin(there)
        self._audience = self._created(begun, there)
        if self._audience is None:
            return self.report()
        self._link(self._audience)
        self._create_merge_fields(begun, self._audience.id)
        present = self._settle_present(begun, self._audience.id)
        self._add(self._audience, present)
        self._tag(begun, self._audience.id, present)
        if self._contacts is None or self._contacts.all_known:
            self._store.settle(begun.id, result=Result.APPLIED, detail={}, now=self._running.now())
        return self.report()

    def report(self) -> ListReport:
        """Return what became of it so far."""
        pairing = self._pairing(self._audience)
        report = list_report(pairing, self._contacts)
        return replace(report, list_outcomes=(*self._outcomes, *report.list_outcomes))

    # -- before anything is written -----------------------------------------------------------------

    def _remember_nos(self) -> None:
        """A backup may come to a database that knows nothing of it: its nos are durable before all else.

        A no that was ended since the backup was made stays ended.
        """
        ended = self._store.ended_nos(self._client, self._head.list_uid, since=self._head.saved_at)
        known = self._store.base(self._client, self._head.list_uid).rows
        moves = [
            BaseMove(address=no.address, row=known.get(no.address), no=no)
            for no in saved_nos(self._restoration.backup.contacts)
            if no.address not in ended
        ]
        self._store.move(self._running.id, self._client, self._head.list_uid, moves, self._running.now())

    def _begin(self, there: AudienceCatalogue) -> Intent:
        self._running.require_lock()
        existing = " ".join(sorted(one.id for one in there.audiences))
        detail = {"name": self._head.name, "existing": existing, "reason": self._reason}
        kind, now = IntentKind.RESTORE_AUDIENCE, self._running.now()
        number = self._store.intend(self._client, self._head.list_uid, kind, detail, self._running.id, now)
        return Intent(
            id=number,
            list_uid=self._head.list_uid,
            kind=kind,
            detail=detail,
            pass_id=self._running.id,
            intended_at=now,
        )

    # -- the audience -------------------------------------------------------------------------------

    def _created(self, begun: Intent, there: AudienceCatalogue) -> Audience | None:
        links = {link.list_uid: link for link in self._store.links(self._client)}
        audience = begun_audience(begun, there, links)
        wanted = NewAudience(name=self._head.name, permission_reminder=self._head.permission_reminder)
        change = self._list_change(
            ListVerb.CREATE,
            None if audience is None else audience.id,
            self._reason,
            {"name": wanted.name, "permission_reminder": wanted.permission_reminder},
        )
        if audience is not None:
            self._record(begun, change, FOUND_DONE)
            return audience
        try:
            # When nobody knows what came of it, the intent stays open: the command repeated looks for it.
            audience = self._sink.create(wanted)
        except (BadRequest, PermissionDenied) as error:
            refused = ListOutcome(change=change, result=Result.REFUSED, detail=in_words(error))
            self._note(refused)
            self._store.record_list(begun.pass_id, self._client, refused, self._running.now())
            self._store.settle(begun.id, result=Result.REFUSED, detail={}, now=self._running.now())
            return None
        self._record(begun, replace(change, audience_id=audience.id))
        return audience

    def _link(self, audience: Audience) -> None:
        """It stays unlinked until OTYS has the list again, so that no pass deletes it once more."""
        links = {link.list_uid: link for link in self._store.links(self._client)}
        known = links.get(self._head.list_uid)
        if known is not None and known.audience_id == audience.id:
            return
        self._store.forget_rows(self._client, self._head.list_uid)
        self._store.save_link(
            self._client,
            Link(
                list_uid=self._head.list_uid,
                list_name=self._head.list_name,
                audience_id=audience.id,
                state=LinkState.UNLINKED,
                name=self._head.name,
                permission_reminder=self._head.permission_reminder,
            ),
        )

    def _create_merge_fields(self, begun: Intent, audience_id: AudienceId) -> None:
        there = self._running.source.merge_field_tags(audience_id)
        for field in self._head.merge_fields:
            reason = f"merge field {field.tag} was in the backup"
            change = self._list_change(
                ListVerb.UPDATE_SETTINGS, audience_id, reason, {"merge_field": field.tag}
            )
            if field.tag not in there:
                # Nobody is refused for what is missing: a field that must be filled would refuse them.
                self._sink.create_merge_field(audience_id, field.tag, like=_optional(field))
                self._record(begun, change)

    # -- its contacts -------------------------------------------------------------------------------

    def _settle_present(self, begun: Intent, audience_id: AudienceId) -> Mapping[Address, Contact]:
        """Record those whom a command that was cut off had added; return everybody who is there."""
        snapshot = self._running.source.contacts(audience_id)
        there = {contact.address: contact for contact in snapshot.contacts}
        rows = self._store.base(self._client, self._head.list_uid).rows
        found = [
            Outcome(
                change=change,
                result=Result.APPLIED,
                detail=FOUND_DONE,
                contact_id=there[change.address].contact_id,
            )
            for change in self._adds()
            if change.address in there
            and there[change.address].standing is Standing.SUBSCRIBED
            and (change.move.row is not None and change.move.row.address not in rows)
        ]
        self._store.record(begun.pass_id, self._client, self._head.list_uid, found, self._running.now())
        for intent in self._running.cut_off.get(self._head.list_uid, ()):
            end_writing(self._running, intent.id)
        return there

    def _add(self, audience: Audience, present: Mapping[Address, Contact]) -> None:
        changes = tuple(change for change in self._adds() if change.address not in present)
        pairing = replace(self._pairing(audience), changes=())
        decided = remember_nos(self._running, pairing, Guarded(self._plan(audience.id, changes), changes))
        self._running.client.watcher.to_write(self._client, len(changes))
        writing = begin_writing(self._running, self._head.list_uid)
        self._contacts = write_contacts(self._running, pairing, decided)
        if self._contacts.all_known:
            end_writing(self._running, writing)

    def _tag(self, begun: Intent, audience_id: AudienceId, present: Mapping[Address, Contact]) -> None:
        if self._contacts is None or not self._contacts.all_known:
            return
        added = {one.change.address for one in self._contacts.outcomes if one.result.moves_base}
        here = added | {address for address, one in present.items() if one.standing is Standing.SUBSCRIBED}
        recorded = self._recorded(begun)
        for name, addresses in self._restoration.tags.items():
            tagged = [address for address in addresses if address in here]
            reason = f'tag "{name}" of {len(addresses)} contacts was in the backup'
            change = self._list_change(ListVerb.UPDATE_SETTINGS, audience_id, reason, {"tag": name})
            if tagged and (change.verb, change.reason) not in recorded:
                self._running.require_lock()
                self._sink.tag(audience_id, name, tagged)
                self._record(begun, change)

    def _adds(self) -> Iterator[Change]:
        for saved in self._restoration.back:
            address, texts = saved.contact.address, field_texts(saved.contact.merge_fields)
            fields = {tag: texts[tag] for tag in merge_fields_of(saved)}
            row = _row(saved)
            yield Change(
                verb=Verb.ADD,
                address=address,
                reason=self._reason,
                after={"status": Standing.SUBSCRIBED, "email": address, **fields},
                fields=fields,
                move=BaseMove(address=address if row is None else row.address, row=row),
                persons=() if row is None else row.persons,
                extras=extras_of(saved),
            )

    # -- how it is told -----------------------------------------------------------------------------

    def _plan(self, audience_id: AudienceId, changes: tuple[Change, ...]) -> ListPlan:
        return ListPlan(
            client=self._client,
            list_uid=self._head.list_uid,
            list_name=self._head.list_name,
            audience_id=audience_id,
            facts=Facts(
                listed=0,
                active=0,
                missing=0,
                live=0,
                foreign=0,
                opted_out=0,
                standings={},
                recipients=_NOTHING,
                contacts=_NOTHING,
            ),
            changes=changes,
        )

    def _pairing(self, audience: Audience | None) -> Pairing:
        return Pairing(
            list_uid=self._head.list_uid,
            list_name=self._head.list_name,
            audience=audience,
            changes=tuple(self._changes),
        )

    def _list_change(
        self, verb: ListVerb, audience_id: AudienceId | None, reason: str, after: Mapping[str, str]
    ) -> ListChange:
        return ListChange(
            verb=verb,
            list_uid=self._head.list_uid,
            list_name=self._head.list_name,
            audience_id=audience_id,
            reason=reason,
            after=after,
        )

    def _recorded(self, begun: Intent) -> frozenset[tuple[str, str]]:
        known = self._store.outcomes(begun.pass_id)
        return frozenset((one.verb, one.reason) for one in known if one.list_uid == begun.list_uid)

    def _record(self, begun: Intent, change: ListChange, detail: str = "") -> None:
        if (change.verb, change.reason) in self._recorded(begun):
            return
        outcome = ListOutcome(change=change, result=Result.APPLIED, detail=detail)
        self._note(outcome)
        self._store.record_list(begun.pass_id, self._client, outcome, self._running.now())

    def _note(self, outcome: ListOutcome) -> None:
        self._changes.append(outcome.change)
        self._outcomes.append(outcome)


def _optional(field: MergeFieldRecord) -> MergeFieldRecord:
    return msgspec.structs.replace(field, required=False)


def _row(saved: SavedContact) -> BaseRow | None:
    if saved.row is None:
        return None
    return replace(saved.row, state=BaseState.ACTIVE, contact_id="")
