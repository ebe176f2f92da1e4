"""Mails and their servers: encrypted where it can be had, patient when one is down, safe with passwords."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from reconciler.errors import ConfigurationError, StoreError
from reconciler.sinks.mail_smtp import Server, read_server
from reconciler.store import Store
from tests.mail.examples import applied, listed, people, report
from tests.mail.office import ANN, MailRoom, wish
from tests.mail.servers import NAME, PASSWORD, USER, Inbox, mail_server, trust_file

NEWS = report(listed("News", *applied(people(3))))
BOB = "bob@acme.nl"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can get."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def named_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the name of a mail server elsewhere lead to this machine."""
    ask = socket.getaddrinfo

    def answer(host: str | bytes | None, *rest: object, **more: object) -> object:
        return ask("127.0.0.1" if host == NAME else host, *rest, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trust_file(tmp_path)))


def test_a_mail_arrives_from_whom_and_at_whom_the_configuration_names(room: MailRoom, inbox: Inbox) -> None:
    room.tell_and_deliver(NEWS, wish("changes", ANN, BOB))
    (mail,) = inbox.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("reconciler@acme.nl", [ANN, BOB])
    assert (room.waiting(), room.failures) == (0, 0)


def test_an_address_beyond_ascii_is_written_as_it_is(room: MailRoom, inbox: Inbox) -> None:
    room.tell_and_deliver(NEWS, wish("changes", "jürgen@acme.nl"))
    assert [mail.rcpt_tos for mail in inbox.mails] == [["jürgen@acme.nl"]]
    assert "jürgen@acme.nl" in str(inbox.last()["to"])


def test_nothing_is_handed_over_before_delivery(room: MailRoom, inbox: Inbox) -> None:
    room.tell(NEWS)
    assert (inbox.mails, room.waiting()) == ([], 1)


def test_starttls_is_used_where_it_is_offered(store: Store) -> None:
    with mail_server(starttls=True) as inbox:
        MailRoom(store, f"smtp://127.0.0.1:{inbox.port}").tell_and_deliver(NEWS)
    assert inbox.encrypted == [True]


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_start_with_a_login(store: Store) -> None:
    with mail_server(tls=True, login=True) as inbox:
        MailRoom(store, f"smtps://{LOGIN}localhost:{inbox.port}").tell_and_deliver(NEWS)
    assert (inbox.encrypted, inbox.logins) == ([True], [USER])


@pytest.mark.usefixtures("named_server", "trusted")
def test_a_login_to_another_machine_is_made_after_starttls(store: Store) -> None:
    with mail_server(starttls=True, login=True) as inbox:
        MailRoom(store, f"smtp://{LOGIN}{NAME}:{inbox.port}").tell_and_deliver(NEWS)
    assert (inbox.encrypted, inbox.logins) == ([True], [USER])


@pytest.mark.usefixtures("named_server")
def test_a_password_is_never_sent_in_plain_text_to_another_machine(store: Store) -> None:
    with mail_server(login=True) as inbox, capture_logs() as logs:
        room = MailRoom(store, f"smtp://{LOGIN}{NAME}:{inbox.port}")
        room.tell_and_deliver(NEWS)
    assert (inbox.logins, inbox.mails, room.waiting(), room.failures) == ([], [], 1, 1)
    assert "offers no STARTTLS, so the password is not sent" in logs[-1]["problem"]


def test_a_password_may_go_to_this_machine_in_plain_text(store: Store) -> None:
    with mail_server(login=True) as inbox:
        MailRoom(store, f"smtp://{LOGIN}127.0.0.1:{inbox.port}").tell_and_deliver(NEWS)
    assert (inbox.logins, len(inbox.mails)) == ([USER], 1)


@pytest.mark.usefixtures("named_server")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_stops_the_mail(store: Store, scheme: str) -> None:
    with mail_server(starttls=scheme == "smtp", tls=scheme == "smtps") as inbox, capture_logs() as logs:
        room = MailRoom(store, f"{scheme}://{NAME}:{inbox.port}")
        room.tell_and_deliver(NEWS)
    assert (inbox.mails, room.waiting()) == ([], 1)
    assert "certificate verify failed" in logs[-1]["problem"]


def test_a_wrong_password_is_told_without_the_password(store: Store) -> None:
    with mail_server(login=True) as inbox, capture_logs() as logs:
        room = MailRoom(store, f"smtp://{USER}:wrong-one@127.0.0.1:{inbox.port}")
        room.tell_and_deliver(NEWS)
    assert (inbox.mails, room.waiting(), room.failures) == ([], 1, 1)
    assert "535" in logs[-1]["problem"]
    assert "wrong-one" not in str(logs)


def test_a_server_that_is_down_delays_the_mail_and_is_asked_less_and_less(
    store: Store, closed_port: int, inbox: Inbox
) -> None:
    room = MailRoom(store, f"smtp://127.0.0.1:{closed_port}")
    room.tell_and_deliver(NEWS)
    for minutes in (1, 2, 4):
        room.later(minutes=minutes, seconds=-1)
        room.mailer.deliver()
        tried_early = room.failures
        room.later(seconds=1)
        room.mailer.deliver()
        assert room.failures == tried_early + 1
    room.use(f"smtp://127.0.0.1:{inbox.port}")
    room.later(minutes=8)
    room.mailer.deliver()
    assert (len(inbox.mails), room.waiting(), room.failures) == (1, 0, 4)


def test_a_mail_survives_a_restart(room: MailRoom, inbox: Inbox, store: Store) -> None:
    room.tell(NEWS)
    MailRoom(store, f"smtp://127.0.0.1:{inbox.port}").mailer.deliver()
    assert len(inbox.mails) == 1


def test_a_mail_is_given_up_after_three_days_and_that_is_told(store: Store, closed_port: int) -> None:
    room = MailRoom(store, f"smtp://127.0.0.1:{closed_port}")
    room.tell_and_deliver(NEWS)
    room.later(days=3)
    with capture_logs() as logs:
        room.mailer.deliver()
    assert (room.waiting(), room.failures) == (0, 2)
    assert [(log["event"], log["log_level"]) for log in logs] == [("mail_given_up", "warning")]


def test_a_recipient_that_does_not_exist_is_left_out_and_told_without_the_address(
    room: MailRoom, inbox: Inbox
) -> None:
    inbox.answers[BOB] = "550 no such user"
    with capture_logs() as logs:
        room.tell_and_deliver(NEWS, wish("changes", ANN, BOB))
    assert [mail.rcpt_tos for mail in inbox.mails] == [[ANN]]
    assert (room.waiting(), room.failures) == (0, 1)
    assert BOB not in str(logs)


def test_a_recipient_that_is_busy_gets_the_mail_later_and_the_others_get_it_once(
    room: MailRoom, inbox: Inbox
) -> None:
    inbox.answers[BOB] = "450 mailbox busy"
    room.tell_and_deliver(NEWS, wish("changes", ANN, BOB))
    inbox.answers.clear()
    room.later(minutes=1)
    room.mailer.deliver()
    assert [mail.rcpt_tos for mail in inbox.mails] == [[ANN], [BOB]]
    assert room.waiting() == 0


def test_a_mail_that_is_refused_does_not_hold_up_the_next_one(room: MailRoom, inbox: Inbox) -> None:
    inbox.answers[ANN] = "450 greylisted"
    room.tell(NEWS)
    room.tell(NEWS, wish("changes", BOB))
    room.mailer.deliver()
    assert [mail.rcpt_tos for mail in inbox.mails] == [[BOB]]
    assert room.waiting() == 1


def test_what_the_server_refuses_as_a_whole_waits_and_names_nobody(room: MailRoom, inbox: Inbox) -> None:
    inbox.answers["data"] = f"554 mail for {ANN} looks like spam"
    with capture_logs() as logs:
        room.tell_and_deliver(NEWS)
    assert (room.waiting(), room.failures) == (1, 1)
    assert "554" in logs[-1]["problem"]
    assert ANN not in str(logs)


@pytest.mark.parametrize("broken", ["post", "waiting_mails"])
def test_a_state_that_cannot_be_used_costs_a_mail_and_no_pass(
    room: MailRoom, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_told: object, **_more: object) -> None:
        raise StoreError("The state database is full.")

    monkeypatch.setattr(room.store, broken, fail)
    with capture_logs() as logs:
        room.tell_and_deliver(NEWS)
    assert (inbox.mails, room.failures) == ([], 1)
    assert logs[-1]["problem"] == "The state database is full."


def test_without_a_mail_table_nothing_is_written(store: Store) -> None:
    room = MailRoom(store, "smtp://127.0.0.1:1")
    room.mailer = room.without_mail()
    room.tell_and_deliver(NEWS)
    assert (room.waiting(), room.failures) == (0, 0)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", Server(host="localhost", port=25, tls_from_start=False)),
        ("smtps://mail.nl", Server(host="mail.nl", port=465, tls_from_start=True)),
        (
            "smtp://a%40b.nl:p%2Fw@mail.nl",
            Server(host="mail.nl", port=587, tls_from_start=False, user="a@b.nl", password="p/w"),
        ),
        ("smtp://[::1]:2525", Server(host="::1", port=2525, tls_from_start=False)),
    ],
)
def test_the_url_of_a_mail_server_tells_where_and_how(url: str, server: Server) -> None:
    assert read_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "smtp://",
        "http://mail.nl",
        "smtp://a:p#w@mail.nl",
        "smtp://mail.nl:99999",
        "smtp://mail.nl/x",
        "smtp://[x",
    ],
)
def test_a_url_that_names_no_mail_server_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_server(url)
    assert "as %40" in refused.value.problems[0].message
    assert "p#w" not in refused.value.problems[0].message


def test_a_url_that_cannot_be_read_now_delays_the_mail(room: MailRoom, inbox: Inbox) -> None:
    room.tell(NEWS)
    room.use("smtp://")
    room.mailer.deliver()
    assert (room.waiting(), room.failures) == (1, 1)
    room.use(f"smtp://127.0.0.1:{inbox.port}")
    room.later(minutes=1)
    room.mailer.deliver()
    assert len(inbox.mails) == 1
