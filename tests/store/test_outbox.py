"""Mails wait in the store until they are taken, beside what they told."""

from datetime import timedelta

from reconciler.store import NewMail, Store, Told
from tests.store.examples import CLIENT, HOUR, NEWS, NOW

MAIL = NewMail(recipients=("ann@agency.nl", "bob@agency.nl"), message=b"Subject: hello\r\n\r\nHello\r\n")
FAILED = Told(kind="failed", version="unreachable", told_at=NOW)
WITHHELD = Told(kind="withheld", list_uid=NEWS, verb="remove", version="d1", told_at=NOW, over=True)


def test_a_mail_waits_until_it_is_dropped(store: Store, other_store: Store) -> None:
    store.post(CLIENT, MAIL, (), NOW)
    (waiting,) = other_store.waiting_mails()
    assert (waiting.client, waiting.recipients, waiting.message) == (CLIENT, MAIL.recipients, MAIL.message)
    assert (waiting.written_at, waiting.tries) == (NOW, 0)
    store.drop_mails([waiting.id])
    assert other_store.waiting_mails() == ()


def test_mails_are_due_at_once_and_oldest_first(store: Store) -> None:
    store.post("other", MAIL, (), NOW)
    store.post(CLIENT, MAIL, (), NOW - HOUR)
    assert [one.client for one in store.waiting_mails(due=NOW)] == ["other", CLIENT]


def test_a_mail_that_was_put_off_is_not_due_before_its_time(store: Store) -> None:
    store.post(CLIENT, MAIL, (), NOW)
    (waiting,) = store.waiting_mails()
    store.put_off_mails({waiting.id: NOW + HOUR})
    assert store.waiting_mails(due=NOW + HOUR - timedelta(seconds=1)) == ()
    (again,) = store.waiting_mails(due=NOW + HOUR)
    assert again.tries == 1


def test_a_mail_that_some_got_waits_for_the_others(store: Store) -> None:
    store.post(CLIENT, MAIL, (), NOW)
    (waiting,) = store.waiting_mails()
    store.set_mail_recipients(waiting.id, ["bob@agency.nl"])
    assert [one.recipients for one in store.waiting_mails()] == [("bob@agency.nl",)]


def test_what_was_told_takes_the_place_of_what_was_told_before(store: Store, other_store: Store) -> None:
    store.post(CLIENT, None, (FAILED, WITHHELD), NOW)
    assert set(other_store.told(CLIENT)) == {FAILED, WITHHELD}
    store.post(CLIENT, MAIL, (WITHHELD,), NOW)
    assert other_store.told(CLIENT) == (WITHHELD,)


def test_what_was_told_about_one_client_says_nothing_of_another(store: Store) -> None:
    store.post(CLIENT, None, (FAILED,), NOW)
    store.post("other", None, (), NOW)
    assert (store.told(CLIENT), store.told("other")) == ((FAILED,), ())


def test_a_mail_shows_neither_its_text_nor_its_recipients_addresses_in_a_log(store: Store) -> None:
    store.post(CLIENT, MAIL, (), NOW)
    (waiting,) = store.waiting_mails()
    assert "@" not in repr(waiting)
    assert "Hello" not in repr(waiting)
