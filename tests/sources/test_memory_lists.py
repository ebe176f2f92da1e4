"""MemoryLists: what a test can make happen beyond the contract of every list source."""

from reconciler.model import Person
from reconciler.sources.memory import MemoryLists


def test_a_list_that_is_cut_off_is_known_to_be_incomplete() -> None:
    lists = MemoryLists()
    uid = lists.add_list("Koks")
    for number in range(3):
        lists.add_recipient(uid, f"p{number}@example.org")
    lists.cut_off[uid] = 2
    snapshot = lists.recipients(lists.catalogue().lists[0])
    assert [row.email for row in snapshot.recipients] == ["p0@example.org", "p1@example.org"]
    assert snapshot.tally.problem == "reading stopped after 2 rows"


def test_edits_show_at_the_next_reading() -> None:
    lists = MemoryLists()
    uid = lists.add_list("Koks")
    row = lists.add_recipient(uid, "oud@example.org", person=Person("candidate", "7"), first_name="Sanne")
    lists.edit_list(uid, name="Chefs", permission_reminder="Hoi")
    lists.edit_recipient(uid, row, email="nieuw@example.org", opted_out=True, last_name="Bos")
    lists.unflag(uid)
    (mailing_list,) = lists.catalogue().lists
    (recipient,) = lists.recipients(mailing_list).recipients
    assert (mailing_list.name, mailing_list.permission_reminder) == ("Chefs", "Hoi")
    assert (recipient.person, recipient.email, recipient.opted_out) == (
        Person("candidate", "7"),
        "nieuw@example.org",
        True,
    )
    assert recipient.values == {"first_name": "Sanne", "last_name": "Bos"}
    assert lists.integration().flagged == ()
