"""Which audience belongs to which list, and what is to be done about it. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.fields import merge
from reconciler.model import (
    Audience,
    AudienceId,
    Fate,
    Fields,
    Link,
    LinkState,
    ListChange,
    ListUid,
    ListVerb,
    MailingList,
)
from reconciler.pairing import Inventory, Pairing
from reconciler.policy import AudienceGone, Limits, ListDeleted, Policy, Unselected


def missing_lists(inventory: Inventory) -> tuple[ListUid, ...]:
    """Given an inventory, return the linked lists whose fate has to be looked up one by one."""
    if not inventory.catalogue.tally.complete:
        return ()
    known = {mailing_list.uid for mailing_list in inventory.catalogue.lists}
    return tuple(link.list_uid for link in _linked(inventory.links) if link.list_uid not in known)


def pair_lists(inventory: Inventory, *, policy: Policy, limits: Limits, now: datetime) -> tuple[Pairing, ...]:
    """Given an inventory, return a pairing for every flagged and every linked list, in a stable order."""
    return _Pairer(inventory, policy, limits, now).pair()


def _linked(links: Iterable[Link]) -> list[Link]:
    return [link for link in links if link.state is LinkState.LINKED]


class _Pairer:
    def __init__(self, inventory: Inventory, policy: Policy, limits: Limits, now: datetime) -> None:
        self.inventory = inventory
        self.policy = policy
        self.limits = limits
        self.now = now
        self.lists = {mailing_list.uid: mailing_list for mailing_list in inventory.catalogue.lists}
        self.audiences = {audience.id: audience for audience in inventory.audiences.audiences}
        self.links = {link.list_uid: link for link in inventory.links}
        linked = _linked(inventory.links)
        self.linked_ids = {link.audience_id for link in linked}
        self.taken = {link.audience_id for link in inventory.links if self._keeps_audience(link)}
        self.names = Counter(
            self.lists[uid].name for uid in inventory.flagged if uid in self.lists and self._wants_one(uid)
        )
        constraints = inventory.audiences.constraints
        room = None if constraints.maximum is None else constraints.maximum - constraints.current
        self.room = 0 if not constraints.may_create else room

    def pair(self) -> tuple[Pairing, ...]:
        uids = dict.fromkeys((*self.inventory.flagged, *(link.list_uid for link in self.inventory.links)))
        pairings = (self._pair(uid) for uid in uids)
        return tuple(pairing for pairing in pairings if pairing is not None)

    def _pair(self, uid: ListUid) -> Pairing | None:
        link, mailing_list = self.links.get(uid), self.lists.get(uid)
        flagged = uid in self.inventory.flagged
        linked = link is not None and link.state is LinkState.LINKED
        if mailing_list is None:
            return self._absent(link) if link is not None and linked else self._unknown(uid, flagged=flagged)
        if link is not None and linked:
            link = replace(link, list_name=mailing_list.name, absent_passes=0, absent_since=None)
            return self._linked(mailing_list, link) if flagged else self._deselected(mailing_list, link)
        return self._new(mailing_list, link) if flagged else None

    def _audience_of(self, link: Link) -> Audience | None:
        return self.audiences.get(link.audience_id) if link.audience_id else None

    def _wants_one(self, uid: ListUid) -> bool:
        """Whether a flagged list is without an audience that it is, or is to be, linked to."""
        link = self.links.get(uid)
        if link is None or link.state is not LinkState.LINKED:
            return True
        return self.policy.audience_gone is AudienceGone.RECREATE and not self._audience_of(link)

    def _keeps_audience(self, link: Link) -> bool:
        """Whether no other list of the same name may have its audience; a deleted list gives it free."""
        deleted = self.inventory.catalogue.tally.complete and link.list_uid not in self.lists
        return link.state is LinkState.LINKED or not deleted

    # -- a list that is linked ---------------------------------------------------------------------

    def _linked(self, mailing_list: MailingList, link: Link) -> Pairing:
        audience = self._audience_of(link)
        if audience is not None:
            return self._sync(mailing_list, audience, link)
        if not self.inventory.audiences.tally.complete:
            return self._hold(
                mailing_list, link, f"the audiences were not read: {self.inventory.audiences.tally.problem}"
            )
        gone = self.inventory.unanswered.get(mailing_list.uid)
        if gone and self.policy.audience_gone is AudienceGone.RECREATE:
            return self._hold(
                mailing_list,
                link,
                f"its audience was deleted in Mailchimp before anybody said whether {gone} of ours had been "
                "taken out of it; to get an audience with everybody on the list, take the list out of GE203 "
                "for one pass and flag it again",
            )
        if self.policy.audience_gone is AudienceGone.RECREATE:
            # It may have been: by a pass that was cut off, or one that a restored state knows nothing of.
            return self._by_name(
                mailing_list, "its audience was deleted in Mailchimp, created again by policy"
            )
        return self._hold(
            mailing_list,
            link,
            "its audience was deleted in Mailchimp; set policy.audience_gone to recreate, or take the list "
            "out of GE203",
        )

    def _sync(self, mailing_list: MailingList, audience: Audience, link: Link, *first: ListChange) -> Pairing:
        wanted = {"name": mailing_list.name, "permission_reminder": self._reminder(mailing_list)}
        shown = {"name": audience.name, "permission_reminder": audience.permission_reminder}
        base = {"name": link.name, "permission_reminder": link.permission_reminder} if link.name else {}
        merged = merge(base=base, otys=wanted, mailchimp=shown, conflicts=self.policy.field_conflicts)
        verbs = {"name": ListVerb.RENAME_AUDIENCE, "permission_reminder": ListVerb.UPDATE_SETTINGS}
        edits = tuple(
            self._unless_refused(
                self._change(
                    verbs[key],
                    mailing_list,
                    audience.id,
                    "changed in OTYS",
                    before={key: shown[key]},
                    after={key: value},
                )
            )
            for key, value in merged.writes.items()
        )
        return Pairing(
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            mailing_list=mailing_list,
            audience=audience,
            link=replace(
                link,
                name=link.name if "name" in merged.writes else merged.base["name"],
                permission_reminder=link.permission_reminder
                if "permission_reminder" in merged.writes
                else merged.base["permission_reminder"],
            ),
            changes=(*first, *edits),
            syncs=True,
        )

    def _deselected(self, mailing_list: MailingList, link: Link) -> Pairing:
        if not self.inventory.flagged:
            return self._hold(
                mailing_list, link, "setting GE203 is suddenly empty; nothing is unlinked for that"
            )
        audience = self._audience_of(link)
        empties = self.policy.unselected is Unselected.ARCHIVE_MEMBERS and audience is not None
        reason = "no longer flagged in GE203; " + ("our contacts leave" if empties else "its contacts stay")
        change = self._change(ListVerb.UNLINK, mailing_list, link.audience_id, reason)
        return Pairing(
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            mailing_list=mailing_list,
            audience=audience,
            link=replace(link, state=LinkState.UNLINKED),
            changes=(change,),
            syncs=empties,
            emptied=empties,
        )

    # -- a list that is not in the catalogue ---------------------------------------------------------

    def _absent(self, link: Link) -> Pairing:
        gone = MailingList(uid=link.list_uid, name=link.list_name)
        if not self.inventory.catalogue.tally.complete:
            return self._hold(
                gone, link, f"the lists were not read completely: {self.inventory.catalogue.tally.problem}"
            )
        fate = self.inventory.fates.get(link.list_uid)
        if fate is None:
            return self._hold(gone, link, "not in OTYS' catalogue, and looking it up failed")
        if fate is Fate.LIVES:
            return self._hold(gone, link, "not in OTYS' catalogue, yet a lookup finds it")
        return self._deleted(
            gone,
            replace(
                link,
                absent_passes=link.absent_passes + 1,
                absent_since=link.absent_since or self.now,
            ),
        )

    def _deleted(self, gone: MailingList, link: Link) -> Pairing:
        audience = self._audience_of(link)
        keep = audience is None or self.policy.list_deleted is ListDeleted.KEEP
        empties = self.policy.list_deleted is ListDeleted.ARCHIVE_MEMBERS and not keep
        verb = ListVerb.UNLINK if keep or empties else ListVerb.DELETE
        change = self._unless_refused(self._change(verb, gone, link.audience_id, "deleted in OTYS"))
        held = change.verb is ListVerb.HOLD
        waits = "" if keep else self._grace(link)
        return Pairing(
            list_uid=gone.uid,
            list_name=gone.name,
            audience=audience,
            link=link if waits or held else replace(link, state=LinkState.UNLINKED),
            changes=(change,),
            syncs=empties and not waits,
            emptied=empties,
            waits=waits,
        )

    def _grace(self, link: Link) -> str:
        since = link.absent_since or self.now
        due = since + timedelta(hours=self.limits.grace_hours)
        needed = self.limits.grace_snapshots
        if link.absent_passes >= needed and self.now >= due:
            return ""
        return (
            f"grace period: seen deleted in {min(link.absent_passes, needed)} of {needed} snapshots, "
            f"not before {due:%Y-%m-%d %H:%M} UTC"
        )

    def _unknown(self, uid: ListUid, *, flagged: bool) -> Pairing | None:
        complete = self.inventory.catalogue.tally.complete
        if not flagged or (complete and uid in self.links):
            # A list that we knew and let go: GE203 goes on naming a deleted list, which is no news.
            return None
        reason = "setting GE203 names it, but OTYS has no list with this uid"
        if not complete:
            reason = f"the lists were not read completely: {self.inventory.catalogue.tally.problem}"
        return self._hold(MailingList(uid=uid, name=""), self.links.get(uid), reason)

    # -- a list that is flagged and not linked -------------------------------------------------------

    def _new(self, mailing_list: MailingList, before: Link | None) -> Pairing:
        if not self.inventory.audiences.tally.complete:
            return self._hold(
                mailing_list, before, f"the audiences were not read: {self.inventory.audiences.tally.problem}"
            )
        named = self.inventory.pairs.get(mailing_list.uid)
        if named is not None:
            return self._named(mailing_list, named)
        if before is not None and before.audience_id in self.audiences.keys() - self.linked_ids:
            return self._link(mailing_list, self.audiences[before.audience_id], "flagged again", before)
        return self._by_name(mailing_list, "flagged in GE203")

    def _by_name(self, mailing_list: MailingList, why_create: str) -> Pairing:
        begun = self.inventory.begun.get(mailing_list.uid)
        if begun is not None:
            for name in (begun.name, mailing_list.name):
                new = [audience for audience in self._free(name) if audience.id not in begun.existing]
                if len(new) == 1:
                    return self._link(mailing_list, new[0], "created by an earlier pass that was cut off")
        same_name = self._free(mailing_list.name)
        if not same_name:
            before = self._deleted_namesake(mailing_list)
            if before is not None:
                return self._hold(
                    mailing_list,
                    None,
                    f"audience {before.audience_id} of this name still belongs to list {before.list_uid}, "
                    "which is gone from OTYS; it is linked as soon as that list is let go",
                )
            return self._create(mailing_list, why_create)
        lists = self.names[mailing_list.name]
        if len(same_name) == 1 and lists == 1:
            return self._link(mailing_list, same_name[0], "the one audience and the one list of this name")
        return self._hold(
            mailing_list,
            None,
            f"{len(same_name)} audiences and {lists} flagged lists are called like this; name the pair under "
            f'clients.NAME.links: "{mailing_list.uid}" = "AUDIENCE ID"',
        )

    def _free(self, name: str) -> list[Audience]:
        """Return the audiences of a name that no list has."""
        return [
            audience
            for audience in self.audiences.values()
            if audience.name.strip() == name.strip() and audience.id not in self.taken
        ]

    def _deleted_namesake(self, mailing_list: MailingList) -> Link | None:
        """A list made anew takes over the audience of the old one, unless that is going to be deleted."""
        if self.policy.list_deleted is ListDeleted.DELETE:
            return None
        for link in self.inventory.links:
            audience = self._audience_of(link) if link.state is LinkState.LINKED else None
            gone = (
                link.list_uid not in self.lists and self.inventory.fates.get(link.list_uid) is not Fate.LIVES
            )
            if gone and audience is not None and audience.name.strip() == mailing_list.name.strip():
                return link
        return None

    def _named(self, mailing_list: MailingList, audience_id: AudienceId) -> Pairing:
        audience = self.audiences.get(audience_id)
        holder = next(
            (link for link in _linked(self.inventory.links) if link.audience_id == audience_id), None
        )
        if audience is None:
            return self._hold(
                mailing_list, None, f"the configuration names audience {audience_id}, which does not exist"
            )
        if holder is not None:
            return self._hold(
                mailing_list,
                None,
                f"the configuration names audience {audience_id}, which belongs to list {holder.list_uid}",
            )
        return self._link(mailing_list, audience, "named in the configuration")

    def _link(
        self, mailing_list: MailingList, audience: Audience, reason: str, before: Link | None = None
    ) -> Pairing:
        self.taken.add(audience.id)
        link = Link(list_uid=mailing_list.uid, list_name=mailing_list.name, audience_id=audience.id)
        if before is not None:
            link = replace(link, name=before.name, permission_reminder=before.permission_reminder)
        change = self._change(ListVerb.LINK, mailing_list, audience.id, reason)
        known = self.links.get(mailing_list.uid)
        pairing = self._sync(mailing_list, audience, link, change)
        heir_of = tuple(
            one.list_uid
            for one in self.inventory.links
            if one.audience_id == audience.id and one.list_uid != mailing_list.uid
        )
        anew = known is not None and known.audience_id != audience.id
        return replace(pairing, starts_anew=anew, heir_of=heir_of)

    def _create(self, mailing_list: MailingList, reason: str) -> Pairing:
        wanted = {"name": mailing_list.name, "permission_reminder": self._reminder(mailing_list)}
        link = Link(
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            audience_id=None,
            name=wanted["name"],
            permission_reminder=wanted["permission_reminder"],
        )
        if not wanted["permission_reminder"]:
            return self._hold(
                mailing_list, None, "it has no permission reminder of its own and setting 3121 is empty"
            )
        if self.room is not None and self.room <= 0:
            constraints = self.inventory.audiences.constraints
            return self._hold(
                mailing_list,
                None,
                f"the Mailchimp plan allows {constraints.maximum} audiences and has {constraints.current}",
            )
        change = self._unless_refused(self._change(ListVerb.CREATE, mailing_list, None, reason, after=wanted))
        creates = change.verb is ListVerb.CREATE
        if self.room is not None and creates:
            self.room -= 1
        return Pairing(
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            mailing_list=mailing_list,
            link=link if creates else None,
            changes=(change,),
            syncs=creates,
            starts_anew=True,
        )

    # -- words ---------------------------------------------------------------------------------------

    def _reminder(self, mailing_list: MailingList) -> str:
        return mailing_list.permission_reminder or self.inventory.default_reminder

    def _unless_refused(self, change: ListChange) -> ListChange:
        known = self.inventory.refused.get((change.list_uid, change.verb))
        if known is None or dict(known[0]) != dict(change.after):
            return change
        return replace(
            change, verb=ListVerb.HOLD, reason=f"Mailchimp refused to {change.verb} it: {known[1]}"
        )

    def _hold(self, mailing_list: MailingList, link: Link | None, reason: str) -> Pairing:
        audience_id = None if link is None else link.audience_id
        return Pairing(
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            mailing_list=mailing_list,
            link=link,
            changes=(self._change(ListVerb.HOLD, mailing_list, audience_id, reason),),
        )

    def _change(
        self,
        verb: ListVerb,
        mailing_list: MailingList,
        audience_id: AudienceId | None,
        reason: str,
        *,
        before: Fields | None = None,
        after: Fields | None = None,
    ) -> ListChange:
        return ListChange(
            verb=verb,
            list_uid=mailing_list.uid,
            list_name=mailing_list.name,
            audience_id=audience_id,
            reason=reason,
            before=before or {},
            after=after or {},
        )
