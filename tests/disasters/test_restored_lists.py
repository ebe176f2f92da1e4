"""The state is an old backup: no list gets a second audience, and who is not ours stays where they are."""

from reconciler.model import PassResult
from reconciler.sandbox.otys.state import MailingList
from tests.disasters.restored import OldState, back_up, comes_to_rest, everybody
from tests.passes.agency import Agency
from tests.passes.deleted import AT_ONCE, backups, names


def test_an_audience_made_since_the_backup_is_linked_again_by_its_name(acme: Agency) -> None:
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    old = back_up(acme)
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.once()
    made = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(made, "anna@zorg.nl")
    before = everybody(acme)

    old.put_back()
    comes_to_rest(acme)

    assert acme.audience(nurses) == made
    assert everybody(acme) == before


def test_audiences_of_lists_of_one_name_made_since_the_backup_wait_for_a_person(acme: Agency) -> None:
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    old = back_up(acme)
    for email in ("jan@zorg.nl", "piet@zorg.nl"):
        acme.list("123", email)
    acme.once()
    before = everybody(acme)

    old.put_back()
    first = comes_to_rest(acme)

    assert everybody(acme) == before
    assert first.result is PassResult.WITHHELD
    held = [change.reason for one in first.lists for change in one.list_changes if change.verb == "hold"]
    assert len(held) == 2
    assert all(reason.startswith("2 audiences and 2 flagged lists are called like this") for reason in held)


def test_an_audience_created_again_since_the_backup_is_not_created_a_third_time(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.once()
    old = back_up(acme)
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))
    acme.once()
    made = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(made, "anna@zorg.nl")
    acme.once()
    before = everybody(acme)

    old.put_back()
    comes_to_rest(acme)

    assert acme.audience(nurses) == made
    assert everybody(acme) == before


def test_a_list_deleted_with_its_audience_since_the_backup_is_let_go(acme: Agency) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    old = back_up(acme)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert names(acme) == ["Chauffeurs"]

    old.put_back()
    comes_to_rest(acme)

    assert names(acme) == ["Chauffeurs"]
    assert acme.once().result is PassResult.DONE


def audience_deleted_since(acme: Agency) -> tuple[OldState, MailingList]:
    """Return a state that knows nothing of Anna's opt-out, nor that the audience was deleted after it."""
    acme.configure(limits=AT_ONCE, policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.once()
    old = back_up(acme)
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "anna@zorg.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert names(acme) == []
    old.put_back()
    nurses.deleted = False
    acme.later(hours=1)
    return old, nurses


def test_who_said_no_in_an_audience_deleted_since_the_backup_is_not_added_to_its_successor(
    acme: Agency,
) -> None:
    _, nurses = audience_deleted_since(acme)
    planned = acme.plan()
    assert [change.address for one in planned.lists for change in one.changes] == ["jan@zorg.nl"]

    comes_to_rest(acme)

    assert everybody(acme)[acme.audience(nurses)] == {"jan@zorg.nl": "subscribed"}
    assert acme.once().result is PassResult.DONE


def test_a_no_that_ended_after_its_audience_was_deleted_is_not_recalled(acme: Agency) -> None:
    _, nurses = audience_deleted_since(acme)
    comes_to_rest(acme)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(nurses), "anna@zorg.nl")
    acme.once()
    acme.later(hours=25)  # who is added again and again within a day is held
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))
    acme.converge()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "anna@zorg.nl"}


def test_a_spoilt_backup_of_the_deleted_audience_keeps_its_list_waiting_and_no_other(acme: Agency) -> None:
    _, nurses = audience_deleted_since(acme)
    drivers = acme.list("Chauffeurs", "rijdt@weg.nl")
    (saved,) = backups(acme)
    whole = saved.read_bytes()
    saved.write_bytes(whole[:-9])

    report = acme.once()

    assert report.result is PassResult.FAILED
    (problem,) = [one.problem for one in report.lists if one.problem]
    assert problem.startswith(f"backup {saved.name} was cut short after it was written.")
    assert acme.subscribed(drivers) == {"rijdt@weg.nl"}
    saved.write_bytes(whole)
    acme.converge()
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def test_an_audience_that_went_to_another_list_since_the_backup_stays_with_it(acme: Agency) -> None:
    acme.configure(policy='list_deleted = "keep"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    old = back_up(acme)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    heir = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl", "nieuw@zorg.nl")
    acme.once()
    made = acme.audience(heir)
    acme.sandbox.mailchimp.unsubscribe(made, "anna@zorg.nl")
    acme.once()
    before = everybody(acme)

    old.put_back()
    comes_to_rest(acme)

    assert everybody(acme) == before
    assert acme.audience(heir) == made


def test_an_audience_unlinked_since_the_backup_and_filled_by_people_keeps_them(acme: Agency) -> None:
    acme.configure(policy='unselected = "archive-members"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    made = acme.audience(nurses)
    old = back_up(acme)
    acme.sandbox.otys.unselect_list(nurses.uid)
    acme.once()
    acme.sandbox.mailchimp.add_contact(made, "gast@elders.nl", "subscribed")
    acme.later(hours=1)

    old.put_back()
    comes_to_rest(acme)

    assert everybody(acme)[made]["gast@elders.nl"] == "subscribed"
