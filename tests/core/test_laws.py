"""What must hold whatever happens: over every cell of the table, and over stories of whole small lists."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff import Decision, decide
from reconciler.model import Address, BaseState, Change, Listing, NoReason, Person, Standing, Verb
from reconciler.observe import View
from reconciler.plan import ListPlan
from reconciler.policy import ArchivedStranger, FieldConflicts, Policy, RemovedInMailchimp
from tests.core.stories import EMAILS, Deed, behind, chapters, policies, worlds
from tests.core.world import World, unsettled, writes

ALL_POLICIES = [
    Policy(archived_stranger=stranger, removed_in_mailchimp=removed, archive_opted_out=archive)
    for stranger, removed, archive in product(ArchivedStranger, RemovedInMailchimp, (False, True))
]
ALL_NOS = [
    frozenset(reasons) for size in range(len(NoReason) + 1) for reasons in combinations(NoReason, size)
]
GONE = (Standing.ARCHIVED, Standing.ABSENT)
NEVER_ASKED_FOR_MAIL = (
    Standing.PENDING,
    Standing.TRANSACTIONAL,
    Standing.UNSUBSCRIBED,
    Standing.CLEANED,
)


@dataclass(frozen=True)
class Cell:
    base: BaseState
    listing: Listing
    standing: Standing
    policy: Policy
    nos: frozenset[NoReason]

    @property
    def decision(self) -> Decision:
        return decide(self.base, self.listing, self.standing, policy=self.policy, nos=self.nos)


def every_cell() -> Iterator[Cell]:
    for base, listing, standing, policy in product(BaseState, Listing, Standing, ALL_POLICIES):
        for nos in ALL_NOS[1:] if base is BaseState.SUPPRESSED else ALL_NOS[:1]:
            yield Cell(base, listing, standing, policy, nos)


def standing_after(verb: Verb | None, standing: Standing) -> Standing:
    match verb:
        case Verb.ADD:
            return Standing.SUBSCRIBED
        case Verb.REMOVE:
            return Standing.ARCHIVED
        case _:
            return standing


# -- laws of the table -----------------------------------------------------------------------------


def test_every_cell_is_settled_in_one_step() -> None:
    for cell in every_cell():
        first = cell.decision
        nos = cell.nos | {first.no} if first.no else cell.nos
        after = replace(
            cell,
            base=first.base,
            standing=standing_after(first.verb, cell.standing),
            nos=nos if first.base is BaseState.SUPPRESSED else frozenset(),
        )

        second = after.decision

        assert second.verb in (None, Verb.HOLD), (cell, first, second)
        assert second.base is first.base, (cell, first, second)
        assert second.no is None, (cell, first, second)


def test_no_cell_adds_where_there_is_a_no() -> None:
    for cell in every_cell():
        said_no = (
            cell.base is BaseState.SUPPRESSED
            or cell.listing is Listing.OPTED_OUT
            or cell.standing in (Standing.UNSUBSCRIBED, Standing.CLEANED)
        )
        assert not (said_no and cell.decision.verb is Verb.ADD), cell


def test_no_cell_adds_what_otys_does_not_list() -> None:
    for cell in every_cell():
        assert not (cell.decision.verb is Verb.ADD and cell.listing is not Listing.LISTED), cell


def test_no_cell_adds_over_a_contact_that_is_there() -> None:
    for cell in every_cell():
        assert not (cell.decision.verb is Verb.ADD and cell.standing not in GONE), cell


def test_no_cell_makes_a_pending_contact_ours_or_subscribed() -> None:
    for cell in every_cell():
        if cell.standing in (Standing.PENDING, Standing.TRANSACTIONAL):
            assert cell.decision.verb not in (Verb.ADD, Verb.ADOPT), cell


def test_no_cell_removes_what_is_not_ours() -> None:
    for cell in every_cell():
        if cell.base in (BaseState.NONE, BaseState.SUPPRESSED):
            assert cell.decision.verb is not Verb.REMOVE, cell


def test_no_cell_removes_somebody_who_is_listed_and_did_not_opt_out() -> None:
    for cell in every_cell():
        if cell.listing is Listing.LISTED:
            assert cell.decision.verb not in (Verb.REMOVE, Verb.FORGET), cell


def test_a_stranger_leaves_no_trace_in_any_cell() -> None:
    for cell in every_cell():
        if cell.base is BaseState.NONE and cell.listing is Listing.ABSENT:
            assert (cell.decision.verb, cell.decision.base) == (None, BaseState.NONE), cell


def test_an_opt_out_seen_in_any_cell_is_remembered_unless_the_contact_is_not_ours() -> None:
    for cell in every_cell():
        if cell.listing is Listing.OPTED_OUT and cell.decision.verb is not Verb.HOLD:
            assert cell.decision.base is BaseState.SUPPRESSED, cell


def test_a_no_ends_only_where_the_contact_is_subscribed_or_somebody_taken_out_is_dropped() -> None:
    for cell in every_cell():
        if cell.base is BaseState.SUPPRESSED and cell.decision.base is not BaseState.SUPPRESSED:
            dropped = (
                cell.listing is Listing.ABSENT and cell.standing in GONE and cell.nos == {NoReason.TAKEN_OUT}
            )
            assert cell.standing is Standing.SUBSCRIBED or dropped, cell


@pytest.mark.parametrize("standing", [Standing.UNSUBSCRIBED, Standing.CLEANED])
def test_a_no_in_mailchimp_about_somebody_of_ours_is_remembered_in_every_cell(standing: Standing) -> None:
    for cell in every_cell():
        if cell.standing is standing and cell.base in (BaseState.ACTIVE, BaseState.REMOVED):
            assert cell.decision.base is BaseState.SUPPRESSED, cell
            assert cell.decision.no is not None, cell


# -- laws of a whole list --------------------------------------------------------------------------


def tell(deeds: list[Deed], world: World) -> None:
    for deed in deeds:
        deed.do(world)


def told_by(story: list[list[Deed]]) -> World:
    """A world after a story, with a pass after every chapter but the last."""
    world = World()
    for chapter in story[:-1]:
        tell(chapter, world)
        world.run()
    tell(story[-1], world)
    return world


@given(chapters, policies)
def test_a_second_pass_has_nothing_to_do(story: list[list[Deed]], policy: Policy) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        world.run()

        assert unsettled(world.plan()) == []


@given(st.one_of(worlds(), chapters.map(told_by)), policies)
def test_nothing_is_decided_otherwise_for_what_is_spared_a_decision(world: World, policy: Policy) -> None:
    world.policy = policy
    plan = world.plan()
    with pytest.MonkeyPatch.context() as sparing_nobody:
        sparing_nobody.setattr(View, "in_step", lambda _view, _address: False)

        assert world.plan() == plan


@given(worlds())
def test_even_an_impossible_memory_settles_in_a_few_passes(world: World) -> None:
    # Of nos of one address that are said to be of different people, each pass takes up one.
    for _ in range(3 + len(world.nos)):
        world.run()

    assert unsettled(world.plan()) == []


def audience(world: World) -> object:
    return {
        address: (contact.contact_id, contact.standing, dict(contact.fields))
        for address, contact in world.contacts.items()
    }


@given(chapters, st.integers(min_value=0, max_value=12))
def test_a_pass_that_was_cut_off_ends_where_it_would_have_ended(story: list[list[Deed]], steps: int) -> None:
    world = told_by(story)
    unhindered = world.copy()
    unhindered.run()
    for step in islice(world.steps(world.plan()), steps):
        step()

    world.run()

    assert audience(world) == audience(unhindered)


@given(chapters, st.integers(min_value=0, max_value=12))
def test_a_pass_that_was_cut_off_forgets_no_no(story: list[list[Deed]], steps: int) -> None:
    world = told_by(story)
    unhindered = world.copy()
    unhindered.run()
    for step in islice(world.steps(world.plan()), steps):
        step()

    world.run()

    assert remembered(unhindered) <= remembered(world)


@given(chapters, policies)
def test_a_pass_changes_a_standing_only_by_adding_what_was_gone_and_by_archiving(
    story: list[list[Deed]], policy: Policy
) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        before = {contact.contact_id: contact.standing for contact in world.contacts.values()}
        world.run()

        for contact in world.contacts.values():
            was = before.get(contact.contact_id, Standing.ABSENT)
            if contact.standing is Standing.SUBSCRIBED:
                assert was in (Standing.SUBSCRIBED, *GONE)
            else:
                assert contact.standing in (was, Standing.ARCHIVED)


@given(chapters, policies)
def test_a_contact_that_never_was_ours_and_is_not_listed_is_left_as_it_is(
    story: list[list[Deed]], policy: Policy
) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        ours = {row.contact_id for row in world.rows.values()}
        strangers = {
            address: contact
            for address, contact in world.contacts.items()
            if contact.contact_id not in ours and not behind(world, address) and address not in world.rows
        }
        world.run()

        assert {address: world.contacts.get(address) for address in strangers} == strangers


@given(chapters, policies)
def test_only_what_is_ours_is_removed_renamed_or_updated(story: list[list[Deed]], policy: Policy) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        rows = dict(world.rows)

        for change in writes(world.run()):
            if change.verb in (Verb.REMOVE, Verb.RENAME, Verb.UPDATE):
                assert change.row_before is not None
                assert rows[change.row_before.address] == change.row_before


@given(chapters, policies)
def test_a_rename_moves_the_same_contact_and_never_one_that_said_no(
    story: list[list[Deed]], policy: Policy
) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        for change in writes(world.run()):
            if change.verb is Verb.RENAME:
                assert change.contact is not None
                assert change.contact.standing in (Standing.SUBSCRIBED, Standing.PENDING)
                assert world.contacts[change.address].contact_id == change.contact.contact_id
                assert world.contacts[change.address].standing is change.contact.standing


@given(chapters, policies)
def test_no_change_of_a_contact_that_is_there_carries_a_status(
    story: list[list[Deed]], policy: Policy
) -> None:
    world = World(policy=policy)
    for chapter in story:
        tell(chapter, world)
        for change in writes(world.run()):
            if change.verb not in (Verb.ADD, Verb.REMOVE):
                assert "status" not in change.after
                assert "status" not in change.fields


@given(chapters, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_anything(story: list[list[Deed]], random: Random) -> None:
    world = World()
    for chapter in story:
        tell(chapter, world)
        shuffled = world.copy()
        random.shuffle(shuffled.recipients)
        random.shuffle(shuffled.nos)
        shuffled.contacts = dict(random.sample(list(world.contacts.items()), len(world.contacts)))
        shuffled.rows = dict(random.sample(list(world.rows.items()), len(world.rows)))

        assert shuffled.plan().digest == world.plan().digest
        world.run()


def remembered(world: World) -> set[tuple[Address, NoReason]]:
    return {(no.address, no.reason) for no in world.nos}


def nos_that_must_stay(world: World) -> set[tuple[Address, NoReason]]:
    """Every no, but for those about people who are seen subscribed."""
    subscribed = [known.address for known in world.contacts.values() if known.standing is Standing.SUBSCRIBED]
    back = {person for address in subscribed for person in behind(world, address)}
    return {
        (no.address, no.reason)
        for no in world.nos
        if no.address not in subscribed and not back.intersection(no.persons)
    }


@given(chapters, st.data())
def test_half_a_list_removes_renames_and_forgets_nobody_but_for_an_opt_out(
    story: list[list[Deed]], data: st.DataObject
) -> None:
    world = told_by(story)
    read = st.sampled_from(world.recipients) if world.recipients else st.nothing()
    world.recipients = data.draw(st.lists(read, unique_by=lambda known: known.uid))
    world.list_read = False
    staying = nos_that_must_stay(world)

    guarded = world.run_guarded()

    for change in guarded.allowed:
        assert change.verb not in (Verb.RENAME, Verb.FORGET)
        if change.verb is Verb.REMOVE:
            assert change.move.no is not None
            assert change.move.no.reason is NoReason.OPTED_OUT
    assert staying <= remembered(world)


@given(chapters, st.data())
def test_half_an_audience_adds_renames_and_forgets_nobody(
    story: list[list[Deed]], data: st.DataObject
) -> None:
    world = told_by(story)
    there = dict(world.contacts)
    unread = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set[Address]()
    world.contacts = {address: known for address, known in there.items() if address not in unread}
    world.audience_read = False
    staying = nos_that_must_stay(world)

    guarded = world.run_guarded()

    for change in guarded.allowed:
        assert change.verb is not Verb.RENAME
        assert change.contact is not None or change.verb in (Verb.SUPPRESS, Verb.HOLD)
    assert staying <= remembered(world)


@given(chapters, policies)
def test_a_suddenly_empty_list_changes_nothing_that_is_there(story: list[list[Deed]], policy: Policy) -> None:
    world = told_by(story)
    world.policy = replace(policy, archive_opted_out=False)
    world.recipients.clear()
    before, staying = audience(world), nos_that_must_stay(world)

    world.run_guarded()

    assert audience(world) == before
    assert staying <= remembered(world)


# -- consent, followed by a second book ------------------------------------------------------------


@dataclass
class SecondBook:
    """Who may not be added, kept by the plainest reading of the specification and not by the product."""

    for_good: set[Person] = field(default_factory=set)
    taken_out: set[Person] = field(default_factory=set)

    def read(self, world: World) -> None:
        on_list = {recipient.person for recipient in world.recipients if recipient.email}
        self.taken_out &= on_list
        by_contact_id = {contact.contact_id: contact for contact in world.contacts.values()}
        for contact in world.contacts.values():
            if contact.standing is Standing.SUBSCRIBED:
                came_back = behind(world, contact.address)
                self.for_good -= came_back
                self.taken_out -= came_back
        for row in world.rows.values():
            seen = world.contacts.get(row.address) or by_contact_id.get(row.contact_id)
            standing = Standing.ABSENT if seen is None else seen.standing
            if standing is Standing.UNSUBSCRIBED:
                self.for_good |= {*row.persons, *behind(world, row.address)}
            if standing in GONE and row.state is BaseState.ACTIVE:
                self.taken_out |= {*row.persons} & on_list
        for recipient in world.recipients:
            if recipient.opted_out and recipient.email in EMAILS:
                self.for_good |= behind(world, recipient.email)

    def forbids(self, change: Change) -> bool:
        return change.verb is Verb.ADD and bool({*change.persons} & (self.for_good | self.taken_out))


def run_with_second_book(world: World, book: SecondBook) -> ListPlan:
    book.read(world)
    plan = world.run()
    assert [change for change in plan.changes if book.forbids(change)] == []
    return plan


@given(chapters)
def test_nobody_is_added_after_a_no_of_their_own(story: list[list[Deed]]) -> None:
    world, book = World(), SecondBook()
    for chapter in story:
        tell(chapter, world)
        run_with_second_book(world, book)


# -- fields ----------------------------------------------------------------------------------------


@given(chapters, st.sampled_from(FieldConflicts))
def test_an_empty_value_never_erases_what_did_not_come_from_us(
    story: list[list[Deed]], conflicts: FieldConflicts
) -> None:
    world = World(policy=Policy(field_conflicts=conflicts))
    for chapter in story:
        tell(chapter, world)
        ours = {address: row.fields.get("FNAME", "") for address, row in world.rows.items()}
        shown = {address: contact.fields["FNAME"] for address, contact in world.contacts.items()}
        for change in writes(world.run()):
            if change.fields.get("FNAME") == "":
                assert change.contact is not None
                assert change.row_before is not None
                assert shown[change.contact.address] == ours[change.row_before.address]


@given(chapters, st.sampled_from(FieldConflicts))
def test_a_value_changed_in_mailchimp_only_is_kept(
    story: list[list[Deed]], conflicts: FieldConflicts
) -> None:
    world = World(policy=Policy(field_conflicts=conflicts))
    for chapter in story:
        tell(chapter, world)
        world.run()
        for address, contact in list(world.contacts.items()):
            world.contacts[address] = replace(contact, fields={"FNAME": "edited"})

        assert writes(world.plan()) == []
