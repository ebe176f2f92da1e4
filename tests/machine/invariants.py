"""What must hold after every pass, whatever happened before: the promises I1 to I10, told from outside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconciler.model import Result
from reconciler.report import ListReport, PassReport
from reconciler.store import OutcomeRecord, Store
from tests.machine.clerk import Page, Screens
from tests.machine.witness import SUBSCRIBING, Deed, Did

_VERBS_OF = {
    Did.ADD: "add",
    Did.REVIVE: "add",
    Did.RENAME: "rename",
    Did.EDIT: "edit",
    Did.ARCHIVE: "remove",
    Did.CREATE: "create",
    Did.RETITLE: "edit the audience",
    Did.MERGE_FIELD: "edit the audience",
    Did.TAG: "edit the audience",
    Did.DELETE: "delete",
}
_AS_DEED = {
    "update": "edit",
    "adopt": "edit",
    "rename-audience": "edit the audience",
    "update-settings": "edit the audience",
}


@dataclass(kw_only=True)
class Watched:
    """One pass, as seen from outside."""

    pages: Mapping[str, Page]
    """What the clerk knew of each list when the pass began."""
    screens: Mapping[str, Screens]
    """What both services showed of each list when the pass began."""
    homes: Mapping[str, str]
    """To which list each audience belongs."""
    ours: Mapping[str, set[str]]
    """The contacts of each audience that we added or adopted."""
    kept_lists: AbstractSet[str]
    """Lists that live and are flagged."""
    deeds: Sequence[Deed]
    report: PassReport | None
    """None when the pass was killed or raised."""
    screens_after: Mapping[str, Screens]
    """What they show now."""
    operated: bool
    """Whether it is what an operator asked for: an undo also removes who is listed."""
    disturbed: bool
    """Whether there were faults or humans meanwhile."""
    moved_contacts: AbstractSet[str]
    """Audiences in which an address is not the one of OTYS: the history calls the contact otherwise."""
    lists: Mapping[str, ListReport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.report is not None:
            self.lists = {one.list_uid: one for one in self.report.lists}


def nobody_who_said_no_is_subscribed(watched: Watched) -> None:
    """I1."""
    for deed in watched.deeds:
        if deed.did in SUBSCRIBING:
            home = watched.homes[deed.audience]
            # Who left while the pass ran may have been gone when it looked.
            people = watched.screens[home].behind.get(deed.address, frozenset())
            people &= watched.screens_after[home].behind.get(deed.address, frozenset())
            no = watched.pages[home].no_of(deed.address, people)
            assert no is None, f"I1: {deed} on list {home}, though: {no}"


def only_ours_are_removed(watched: Watched) -> None:
    """I2, and that who is removed is really off the list."""
    for deed in watched.deeds:
        assert deed.did is not Did.ERASE, f"I2: {deed} in a pass"
        if deed.did is Did.ARCHIVE:
            assert deed.contact in watched.ours.get(deed.audience, ()), f"I2: {deed} was never ours"
            assert _has_left(watched, deed), f"I5: {deed} is still on the list"


def _has_left(watched: Watched, deed: Deed) -> bool:
    home = watched.homes[deed.audience]
    behind = watched.screens[home].behind
    after = watched.screens_after[home]
    left_meanwhile = after.opted_out.intersection(after.behind.get(deed.address, after.opted_out))
    if watched.operated or deed.address not in after.behind or left_meanwhile:
        return True
    if home not in watched.kept_lists or deed.address not in behind:
        return True
    return watched.pages[home].no_of(deed.address, behind[deed.address]) is not None or any(
        earlier.contact == deed.contact and earlier.did in (Did.ADD, Did.REVIVE) for earlier in watched.deeds
    )


def no_removal_follows_from_half_a_look(watched: Watched) -> None:
    """I5."""
    for deed in watched.deeds:
        if deed.did is not Did.ARCHIVE:
            continue
        home = watched.homes[deed.audience]
        report = watched.lists.get(home)
        if report is None or report.guarded is None or report.guarded.plan.facts.recipients.complete:
            continue
        page = watched.pages[home]
        people = watched.screens[home].behind.get(deed.address, frozenset())
        assert page.no_of(deed.address, people), f"I5: {deed} after an incomplete snapshot"


def what_was_done_is_in_the_history(watched: Watched, store: Store) -> None:
    """I7, to the letter where nothing came between."""
    if watched.report is None or watched.report.pass_id is None:
        return
    told = store.outcomes(watched.report.pass_id)
    if not watched.disturbed:
        nothing_else_is_in_the_history(watched.deeds, told, store, watched.moved_contacts)
        return
    known = {row.address_key for row in told}
    keys = [store.key_address(deed.address) for deed in watched.deeds if deed.address]
    # What became of a request about a whole audience may be known to the next pass only.
    moved = any(deed.audience in watched.moved_contacts for deed in watched.deeds)
    assert moved or known.issuperset(keys), f"I7: {watched.deeds} and in the history only {told}"


def nothing_else_is_in_the_history(
    deeds: Sequence[Deed],
    told: Sequence[OutcomeRecord],
    store: Store,
    moved_contacts: AbstractSet[str],
) -> None:
    """I7, for all that was done in some passes, and all that is told of them."""
    writing = [
        ((_AS_DEED.get(row.verb, row.verb), row.address_key), row.verb)
        for row in told
        if row.result is Result.APPLIED and row.verb not in ("suppress", "forget", "link", "unlink")
    ]
    may = Counter(key for key, _ in writing)
    must = Counter(key for key, verb in writing if verb != "adopt")  # it may have had nothing to write
    untrue = {row.address_key for row in told if row.result is Result.NOT_TRUE}
    done = Counter(
        (_VERBS_OF[deed.did], store.key_address(deed.address) if deed.address else "") for deed in deeds
    )
    if any(deed.audience in moved_contacts for deed in deeds):
        may_verbs, must_verbs, done_verbs = (
            Counter(verb for verb, _ in these.elements()) for these in (may, must, done)
        )
        differ = (done_verbs - may_verbs) + (must_verbs - done_verbs)
        assert untrue or not differ, f"I7: done {deeds}, told {told}"
        return
    differs = {key for key in (done - may) + (must - done) if key[1] not in untrue}
    assert not differs, f"I7: done {deeds}, told {told}"


def history_tells_no_address(store: Store, report: PassReport | None) -> None:
    """I8; the log is watched by every test of this project."""
    if report is None or report.pass_id is None:
        return
    record = store.pass_record(report.pass_id)
    told = [f"{row.reason} {row.detail}" for row in store.outcomes(report.pass_id)]
    told.extend(record.problems if record else ())
    assert not any("@" in text for text in told), f"I8: {told}"


def what_is_withheld_is_shown(store: Store, report: PassReport | None, *, plan_only: bool) -> None:
    """I9."""
    if report is None or plan_only:
        return
    waiting = {one.digest for one in store.proposals("acme", now=report.ended_at)}
    hidden = [one for one in report.proposals if one.approvable and one.digest not in waiting]
    assert not hidden, f"I9: withheld, and status does not show it: {hidden}"
    if report.proposals:
        assert report.result in ("withheld", "failed"), f"I9: {report.result} with {report.proposals}"


def no_list_has_two_audiences(store: Store, homes: Mapping[str, str]) -> None:
    """I6, as far as links tell."""
    linked = [link for link in store.links("acme") if link.audience_id and link.state == "linked"]
    audiences = Counter(link.audience_id for link in linked)
    assert not [one for one, count in audiences.items() if count > 1], f"I6: {linked}"
    for link in linked:
        home = homes.get(str(link.audience_id), link.list_uid)
        assert home == link.list_uid, f"I6: the audience of {home} was given to {link.list_uid}"
