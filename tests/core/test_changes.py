"""What a change says about itself, down to the last word: it is shown, approved, written and remembered."""

from dataclasses import replace

from reconciler.model import (
    Address,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Contact,
    No,
    NoReason,
    Recipient,
    Standing,
    Verb,
)
from reconciler.policy import FieldConflicts, Policy
from tests.core.world import World, contact, no, person, recipient, row

ANN, BOB = person("ann"), person("bob")
EMAIL = Address("ann@x.nl")


def change_of(world: World) -> Change:
    (change,) = world.plan().changes
    return change


def with_two_fields(world: World) -> World:
    world.templates = {"FNAME": "{first_name}", "CITY": "{city}"}
    return world


def living_in(city: str, who: Recipient) -> Recipient:
    return replace(who, values={**who.values, "city": city})


def showing(known: Contact, **fields: str) -> Contact:
    return replace(known, fields=fields)


def remembering(known: BaseRow, **fields: str) -> BaseRow:
    return replace(known, fields=fields)


# -- what Mailchimp notices ------------------------------------------------------------------------


def test_a_newcomer_is_subscribed_with_every_field() -> None:
    assert change_of(World.of(recipient("ann", EMAIL))) == Change(
        verb=Verb.ADD,
        address=EMAIL,
        reason="on the list in OTYS",
        after={"status": "subscribed", "email": EMAIL, "FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        move=BaseMove(
            address=EMAIL,
            row=BaseRow(
                address=EMAIL, state=BaseState.ACTIVE, persons=(ANN,), fields={"FNAME": "Ann"}, contact_id=""
            ),
        ),
        persons=(ANN,),
    )


def test_whoever_we_archived_comes_back_as_the_contact_they_were() -> None:
    archived = contact(EMAIL, Standing.ARCHIVED, first_name="Ann")
    was = row(EMAIL, "ann", state=BaseState.REMOVED, first_name="Ann")

    assert change_of(World.of(recipient("ann", EMAIL), archived, was)) == Change(
        verb=Verb.ADD,
        address=EMAIL,
        reason="on the list in OTYS",
        before={"status": "archived"},
        after={"status": "subscribed", "email": EMAIL},
        contact=archived,
        row_before=was,
        move=BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann")),
        persons=(ANN,),
    )


def test_whoever_comes_back_has_a_name_that_both_changed_settled_as_the_policy_says() -> None:
    archived = contact(EMAIL, Standing.ARCHIVED, first_name="Annie")
    was = row(EMAIL, "ann", state=BaseState.REMOVED, first_name="Anna")
    world = World.of(recipient("ann", EMAIL), archived, was)

    assert change_of(world).fields == {"FNAME": "Ann"}

    world.policy = Policy(field_conflicts=FieldConflicts.MAILCHIMP)

    assert change_of(world).fields == {}


def test_a_subscriber_who_is_listed_becomes_ours_with_the_name_from_otys() -> None:
    there = contact(EMAIL)

    assert change_of(World.of(recipient("ann", EMAIL), there)) == Change(
        verb=Verb.ADOPT,
        address=EMAIL,
        reason="on the list and already subscribed: ours from now on",
        before={"FNAME": ""},
        after={"FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        contact=there,
        move=BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann")),
        persons=(ANN,),
    )


def test_whoever_was_archived_and_subscribed_again_becomes_ours_again() -> None:
    there, was = contact(EMAIL, first_name="Ann"), row(EMAIL, "bob", state=BaseState.REMOVED)

    change = change_of(World.of(recipient("ann", EMAIL), there, was))

    assert (change.verb, change.row_before, change.persons) == (Verb.ADOPT, was, (ANN,))
    assert change.move == BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann"))


def test_seeing_somebody_subscribed_again_ends_their_no() -> None:
    change = change_of(World.of(recipient("ann", EMAIL), contact(EMAIL), no(EMAIL, "ann")))

    assert (change.reason, change.move.ends_no) == ("subscribed again by its own action", True)


def test_an_update_shows_what_was_there_and_what_will_be() -> None:
    there, was = contact(EMAIL, first_name="Anna"), row(EMAIL, "ann", first_name="Anna")

    assert change_of(World.of(recipient("ann", EMAIL), there, was)) == Change(
        verb=Verb.UPDATE,
        address=EMAIL,
        reason="changed in OTYS",
        before={"FNAME": "Anna"},
        after={"FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        contact=there,
        row_before=was,
        move=BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann")),
        persons=(ANN,),
    )


def test_a_field_that_mailchimp_does_not_show_yet_was_empty() -> None:
    world = with_two_fields(
        World.of(
            living_in("Utrecht", recipient("ann", EMAIL)),
            showing(contact(EMAIL), FNAME="Ann"),
            remembering(row(EMAIL, "ann"), FNAME="Ann"),
        )
    )

    change = change_of(world)

    assert (change.before, change.after) == ({"CITY": ""}, {"CITY": "Utrecht"})


def test_whoever_left_the_list_is_archived_and_remembered_as_removed_by_us() -> None:
    there, was = contact(EMAIL), row(EMAIL, "ann")

    assert change_of(
        World.of(
            recipient("bob", "bob@x.nl"),
            contact("bob@x.nl", first_name="Bob"),
            row("bob@x.nl", "bob", first_name="Bob"),
            there,
            was,
        )
    ) == Change(
        verb=Verb.REMOVE,
        address=EMAIL,
        reason="no longer on the list in OTYS",
        before={"status": "subscribed"},
        after={"status": "archived"},
        contact=there,
        row_before=was,
        move=BaseMove(address=EMAIL, row=row(EMAIL, "ann", state=BaseState.REMOVED)),
        persons=(ANN,),
    )


def test_an_opt_out_in_otys_archives_and_is_remembered_of_those_who_stand_behind_the_address() -> None:
    there, was = contact(EMAIL), row(EMAIL, "bob")

    assert change_of(World.of(recipient("ann", EMAIL, opted_out=True), there, was)) == Change(
        verb=Verb.REMOVE,
        address=EMAIL,
        reason="opted out in OTYS",
        before={"status": "subscribed"},
        after={"status": "archived"},
        contact=there,
        row_before=was,
        move=BaseMove(
            address=EMAIL, row=None, no=No(address=EMAIL, persons=(ANN,), reason=NoReason.OPTED_OUT)
        ),
        persons=(ANN,),
        consent=True,
    )


def test_a_removal_that_an_earlier_no_still_owes_honours_that_no() -> None:
    world = World.of(contact(EMAIL), row(EMAIL, "ann"), no(EMAIL, "ann", reason=NoReason.OPTED_OUT))
    world.recipients.append(recipient("ann", EMAIL, opted_out=True))

    assert (change_of(world).verb, change_of(world).consent) == (Verb.REMOVE, True)


# -- what only we notice ---------------------------------------------------------------------------


def test_an_unsubscribe_is_remembered_in_words_and_nothing_is_written() -> None:
    there, was = contact(EMAIL, Standing.UNSUBSCRIBED), row(EMAIL, "bob")

    assert change_of(World.of(recipient("ann", EMAIL), there, was)) == Change(
        verb=Verb.SUPPRESS,
        address=EMAIL,
        reason="unsubscribed in Mailchimp",
        before={"status": "unsubscribed"},
        after={"status": "unsubscribed"},
        contact=there,
        row_before=was,
        move=BaseMove(
            address=EMAIL, row=None, no=No(address=EMAIL, persons=(ANN, BOB), reason=NoReason.UNSUBSCRIBED)
        ),
        persons=(ANN,),
        consent=True,
    )


def test_whoever_is_gone_on_both_sides_is_forgotten() -> None:
    was = row(EMAIL, "ann")
    others = (recipient("bob", "bob@x.nl"), contact("bob@x.nl", first_name="Bob"))

    assert change_of(World.of(*others, row("bob@x.nl", "bob", first_name="Bob"), was)) == Change(
        verb=Verb.FORGET,
        address=EMAIL,
        reason="gone on both sides",
        before={"status": "absent"},
        after={"status": "absent"},
        row_before=was,
        move=BaseMove(address=EMAIL, row=None),
        persons=(ANN,),
    )


def test_what_is_held_leaves_memory_as_it_is() -> None:
    there, was = contact(EMAIL), row(EMAIL, "ann")

    world = World.of(recipient("ann", "ann@@x.nl"), there, was)

    why = world.plan().invalid[0].reason
    assert change_of(world) == Change(
        verb=Verb.HOLD,
        address=EMAIL,
        reason=f"still on the list, but its address in OTYS is not valid: {why}",
        before={"status": "subscribed"},
        after={"status": "subscribed"},
        contact=there,
        row_before=was,
        move=BaseMove(address=EMAIL, row=was),
        persons=(ANN,),
    )


def test_a_no_that_comes_along_to_a_new_address_says_so_and_is_only_of_those_who_said_it() -> None:
    world = World.of(
        recipient("ann", "new@x.nl"),
        recipient("bob", "new@x.nl"),
        contact(EMAIL, Standing.UNSUBSCRIBED),
        no(EMAIL, "ann"),
    )
    new = Address("new@x.nl")

    assert change_of(world) == Change(
        verb=Verb.SUPPRESS,
        address=new,
        reason="unsubscribed in Mailchimp, under an earlier address",
        before={"status": "absent"},
        after={"status": "absent"},
        move=BaseMove(
            address=new, row=None, no=No(address=new, persons=(ANN,), reason=NoReason.UNSUBSCRIBED)
        ),
        persons=(ANN, BOB),
        consent=True,
    )


# -- a rename --------------------------------------------------------------------------------------

NEW = Address("new@x.nl")


def test_a_rename_says_everything_about_the_one_contact_that_it_is() -> None:
    old, was = contact(EMAIL, first_name="Anna"), row(EMAIL, "ann", first_name="Anna")

    assert change_of(World.of(recipient("ann", NEW), old, was)) == Change(
        verb=Verb.RENAME,
        address=NEW,
        reason="the address changed in OTYS",
        before={"email": EMAIL, "FNAME": "Anna"},
        after={"email": NEW, "FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        contact=old,
        row_before=was,
        move=BaseMove(
            address=NEW,
            row=BaseRow(
                address=NEW,
                state=BaseState.ACTIVE,
                persons=(ANN,),
                fields={"FNAME": "Ann"},
                contact_id=old.contact_id,
            ),
            replaces=EMAIL,
        ),
        persons=(ANN,),
    )


def test_a_rename_leaves_a_name_alone_that_only_mailchimp_changed() -> None:
    old, was = contact(EMAIL, first_name="Annie"), row(EMAIL, "ann", first_name="Ann")

    assert change_of(World.of(recipient("ann", NEW), old, was)).fields == {}


def test_a_rename_writes_no_name_that_mailchimp_has_already() -> None:
    old, was = contact(EMAIL, first_name="Ann"), row(EMAIL, "ann", first_name="Anna")

    assert change_of(World.of(recipient("ann", NEW), old, was)).fields == {}


def test_a_rename_settles_a_name_that_both_changed_as_the_policy_says() -> None:
    old, was = contact(EMAIL, first_name="Annie"), row(EMAIL, "ann", first_name="Anna")
    world = World.of(recipient("ann", NEW), old, was)

    assert change_of(world).fields == {"FNAME": "Ann"}

    world.policy = Policy(field_conflicts=FieldConflicts.MAILCHIMP)

    assert change_of(world).fields == {}


def test_a_rename_shows_the_address_that_the_contact_really_has() -> None:
    """It changed its address in Mailchimp, and in OTYS to yet another one."""
    own = contact("own@x.nl", contact_id="c1")
    was = row(EMAIL, "ann", contact_id="c1")

    change = change_of(World.of(recipient("ann", NEW, first_name=""), own, was))

    assert (change.before, change.move.replaces) == ({"email": "own@x.nl"}, EMAIL)


def test_a_rename_shows_no_name_but_the_one_that_mailchimp_shows() -> None:
    old, was = contact(EMAIL, first_name="Annie"), row(EMAIL, "ann", first_name="Anna")

    assert change_of(World.of(recipient("ann", NEW), old, was)).before["FNAME"] == "Annie"


# -- without a change ------------------------------------------------------------------------------


def moves_of(world: World) -> tuple[BaseMove, ...]:
    plan = world.plan()
    assert plan.changes == ()
    return plan.moves


def test_an_adopted_name_that_both_have_differently_is_settled_as_the_policy_says() -> None:
    world = World.of(recipient("ann", EMAIL), contact(EMAIL, first_name="Annie"))

    assert change_of(world).fields == {"FNAME": "Ann"}

    world.policy = Policy(field_conflicts=FieldConflicts.MAILCHIMP)

    assert change_of(world).fields == {}


def test_a_name_that_mailchimp_keeps_is_not_fought_over_twice() -> None:
    was = row(EMAIL, "ann", first_name="Anna")
    world = World.of(recipient("ann", EMAIL), contact(EMAIL, first_name="Annie"), was)
    world.policy = Policy(field_conflicts=FieldConflicts.MAILCHIMP)

    assert moves_of(world) == (BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann")),)


def test_a_name_that_is_right_already_is_only_remembered() -> None:
    was = row(EMAIL, "bob", first_name="Anna")
    world = World.of(recipient("ann", EMAIL), contact(EMAIL, first_name="Ann"), was)

    assert moves_of(world) == (BaseMove(address=EMAIL, row=row(EMAIL, "ann", first_name="Ann")),)


def test_an_opt_out_of_who_never_was_ours_is_remembered_without_a_word() -> None:
    world = World.of(recipient("ann", EMAIL, opted_out=True))

    assert moves_of(world) == (
        BaseMove(address=EMAIL, row=None, no=No(address=EMAIL, persons=(ANN,), reason=NoReason.OPTED_OUT)),
    )


def test_a_stranger_who_is_subscribed_again_is_forgotten_with_the_no() -> None:
    world = World.of(
        recipient("bob", "bob@x.nl"),
        contact("bob@x.nl", first_name="Bob"),
        row("bob@x.nl", "bob", first_name="Bob"),
        contact(EMAIL),
        no(EMAIL, "ann"),
    )

    assert moves_of(world) == (BaseMove(address=EMAIL, row=None, ends_no=True),)


def test_whoever_shares_a_mailbox_that_said_no_has_said_it_too() -> None:
    there = contact(EMAIL, Standing.UNSUBSCRIBED)
    world = World.of(recipient("ann", EMAIL), recipient("bob", EMAIL), there, no(EMAIL, "ann"))

    assert moves_of(world) == (
        BaseMove(
            address=EMAIL, row=None, no=No(address=EMAIL, persons=(ANN, BOB), reason=NoReason.UNSUBSCRIBED)
        ),
    )


def test_a_no_of_everybody_behind_the_mailbox_is_not_repeated() -> None:
    there = contact(EMAIL, Standing.UNSUBSCRIBED)

    assert moves_of(World.of(recipient("ann", EMAIL), there, no(EMAIL, "ann", "bob"))) == ()


def test_somebody_new_behind_a_mailbox_that_was_taken_out_joins_no_no() -> None:
    """It was about the person who had it, not about the mailbox."""
    world = World.of(recipient("bob", EMAIL), no(EMAIL, "ann", reason=NoReason.TAKEN_OUT))

    assert moves_of(world) == ()


def test_a_no_that_somebody_joins_leaves_the_row_as_it_is() -> None:
    was = row(EMAIL, "ann", state=BaseState.REMOVED)
    world = World.of(
        recipient("ann", EMAIL), recipient("bob", EMAIL), contact(EMAIL, Standing.UNSUBSCRIBED), was
    )
    world.nos.append(no(EMAIL, "ann"))

    (move,) = moves_of(world)

    assert (move.row, move.no and move.no.persons) == (was, (ANN, BOB))


# -- a no under another address --------------------------------------------------------------------


def test_somebody_archived_before_they_were_ours_is_held_with_the_reason() -> None:
    change = change_of(World.of(recipient("ann", EMAIL), contact(EMAIL, Standing.ARCHIVED)))

    assert (change.verb, change.reason) == (
        Verb.HOLD,
        "archived in Mailchimp before it was ours: may have said no",
    )


def test_a_stranger_who_subscribed_came_back_from_the_no_of_an_earlier_address() -> None:
    world = World.of(recipient("ann", NEW), contact(NEW, first_name="Ann"), no(EMAIL, "ann"))

    change = change_of(world)

    assert (change.verb, change.reason) == (Verb.ADOPT, "subscribed again by its own action")


def test_a_stranger_who_has_not_confirmed_takes_the_no_of_an_earlier_address_along() -> None:
    world = World.of(recipient("ann", NEW), contact(NEW, Standing.PENDING), no(EMAIL, "ann"))

    change = change_of(world)

    assert (change.verb, change.move.no) == (
        Verb.SUPPRESS,
        No(address=NEW, persons=(ANN,), reason=NoReason.UNSUBSCRIBED),
    )


def test_whoever_is_ours_and_subscribed_stays_so_whatever_they_said_under_another_address() -> None:
    world = World.of(
        recipient("ann", NEW),
        contact(NEW, first_name="Ann"),
        row(NEW, "ann", first_name="Ann"),
        no(EMAIL, "ann"),
    )

    assert moves_of(world) == ()


def test_whoever_is_ours_and_gone_stays_gone_for_a_no_under_another_address() -> None:
    world = World.of(recipient("ann", NEW), row(NEW, "ann"), no(EMAIL, "ann"))

    change = change_of(world)

    assert (change.verb, change.reason) == (
        Verb.SUPPRESS,
        "unsubscribed in Mailchimp, under an earlier address",
    )
