"""What a mail says, in both languages, as text and as a page."""

import html
import re
from dataclasses import replace
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest

from reconciler.config import Language, MailedAddresses
from reconciler.failure import FailureKind
from reconciler.guard import Danger
from reconciler.model import ListOutcome, ListVerb, NoReason, PassResult, RefusalKind, Result
from reconciler.report import PassReport
from tests.mail.examples import (
    NOW,
    applied,
    audience_change,
    broken,
    listed,
    noes,
    people,
    planned_only,
    refused,
    renamed_audience,
    report,
    rich_report,
    waiting_audience,
    withholding,
)
from tests.mail.office import MailRoom, wish
from tests.mail.servers import Inbox, part


@pytest.fixture
def tell(room: MailRoom, inbox: Inbox) -> "Telling":
    return Telling(room, inbox)


class Telling:
    """Writes a mail and reads what arrives."""

    def __init__(self, room: MailRoom, inbox: Inbox) -> None:
        self.room, self.inbox = room, inbox

    def __call__(
        self,
        of: PassReport,
        *,
        language: Language = Language.ENGLISH,
        addresses: MailedAddresses = MailedAddresses.MASKED,
    ) -> EmailMessage:
        self.room.use(f"smtp://127.0.0.1:{self.inbox.port}", language=language)
        self.room.tell_and_deliver(of, wish("always", addresses=addresses))
        return self.inbox.last()

    def text(self, of: PassReport, **how: Language | MailedAddresses) -> str:
        return part(self(of, **how), "plain")  # type: ignore[arg-type]  # by its name


@pytest.mark.parametrize(
    ("of", "subject"),
    [
        (rich_report(), "acme: 30 changes withheld, 1 list failed, 1 list waits for you"),
        (report(listed("News", *applied(people(2)))), "acme: 2 added"),
        (report(listed()), "acme: nothing to do, 1 list in step"),
        (report(result=PassResult.OFF, problems=("off",)), "acme: switched off in OTYS"),
    ],
    ids=["rich", "changes", "nothing", "off"],
)
def test_the_subject_says_the_essence(tell: Telling, of: PassReport, subject: str) -> None:
    assert tell(of)["subject"] == subject


def test_a_mail_says_what_it_is_and_when(tell: Telling) -> None:
    first, second = tell(rich_report()), tell(rich_report())
    assert first["auto-submitted"] == "auto-generated"
    assert parsedate_to_datetime(first["date"]) == NOW
    assert first["message-id"].endswith("@acme.nl>")
    assert first["message-id"] != second["message-id"]
    assert "Pass 4711, 23 November 2026 13:28, in 1 min 23 s" in part(first, "plain")
    assert "reconciler show 4711 --all" in part(first, "plain")


def words_of(page: str) -> str:
    shown = re.sub(r"<style.*?</style>|<title>.*?</title>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(shown).split())


@pytest.mark.parametrize("language", list(Language))
def test_the_page_says_what_the_text_says(tell: Telling, language: Language) -> None:
    message = tell(rich_report(), language=language)
    page = words_of(part(message, "html"))
    lines = (line.strip(" -!*") for line in part(message, "plain").splitlines()[2:])
    # the counts of a list stand apart on the page
    missing = [line for line in lines if not all(piece in page for piece in line.split(", "))]
    assert missing == []


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(tell: Telling) -> None:
    page = part(tell(rich_report()), "html")
    assert not re.search(r"<(img|script|link|iframe|form)|url\(|https?:", page)
    assert len(page.encode()) < 100_000, "mail clients cut off longer ones"


def test_names_are_text_and_no_markup(tell: Telling) -> None:
    page = part(tell(rich_report()), "html")
    assert "Nieuwsbrief &lt;b&gt;zorg&lt;/b&gt; &amp; welzijn" in page
    assert "<b>" not in page


@pytest.mark.parametrize("name", ["News\r\nBcc: eve@evil.example", "News\nX: y", "\u202egnp.exe", "News\x00"])
def test_a_name_cannot_add_a_header_or_hide_what_it_says(tell: Telling, name: str) -> None:
    message = tell(report(replace(broken(), list_name=name), problems=(name,)))
    assert message["bcc"] is None
    assert message["x"] is None
    assert [str(one) for one in message.get_all("to", [])] == ["ann@acme.nl"]
    assert not re.search(r"[\x00\u202e]|\nBcc|\nX:", part(message, "plain"))


def test_what_is_withheld_stands_with_why_and_the_command(tell: Telling) -> None:
    withheld = report(withholding(listed("News"), people(30)))
    text = tell.text(withheld)
    assert "“News”, withheld: remove 30 contacts" in text
    assert "30 of 100 would be removed; the limit is 10 % or 500" in text
    assert f"reconciler approve {withheld.proposals[0].digest[:12]}" in text


def test_what_takes_long_to_write_says_so_beside_the_command(tell: Telling) -> None:
    text = tell.text(report(withholding(listed("News"), people(2000))))
    assert "Writing it takes about 2,007 requests to Mailchimp, some 3 min." in text


def test_what_nobody_can_release_stands_without_a_command(tell: Telling) -> None:
    message = "the list was not read completely from OTYS (5 of 7 rows were read)"
    unread = withholding(listed("News"), people(30), danger=Danger.INCOMPLETE_LIST, message=message)
    text = tell.text(report(unread))
    assert message in text
    assert "Nobody can release what was not read" in text
    assert "approve" not in text


def test_who_said_no_is_told_with_the_reason(tell: Telling) -> None:
    said = listed(
        "News", *noes(["ann@zorg.nl"], NoReason.UNSUBSCRIBED), *noes(["bob@zorg.nl"], NoReason.BOUNCED)
    )
    text = tell.text(report(said), addresses=MailedAddresses.PLAIN)
    assert "1 said no: unsubscribed in Mailchimp\n      ann@zorg.nl (candidate:407)" in text
    assert "1 said no: bounced in Mailchimp\n      bob@zorg.nl (candidate:407)" in text


def test_what_was_refused_is_told_with_the_reason(tell: Telling) -> None:
    refusals = (
        *refused(["ann@zorg.nl"], RefusalKind.FAKE_ADDRESS, "ann@zorg.nl looks fake"),
        *refused(["bob@zorg.nl"], RefusalKind.TOO_MANY_SIGNUPS),
    )
    text = tell.text(report(listed("News", *refusals)))
    assert "1 refused by Mailchimp: the address looks fake\n      a…@zorg.nl" in text
    assert "Mailchimp: a…@zorg.nl looks fake" in text
    assert "1 refused by Mailchimp: signed up for too much lately" in text


def test_what_failed_is_told_with_what_it_means(tell: Telling) -> None:
    text = tell.text(report(broken("News", kind=FailureKind.KEY_REJECTED)))
    assert "“News” failed" in text
    assert "An API key was rejected." in text
    assert "Mailchimp: no answer within 30 s." in text


def test_what_did_not_come_true_is_counted_and_explained(tell: Telling) -> None:
    why = "the audience could not be read completely for its backup: 5 of 7 rows were read"
    deletion = audience_change(ListVerb.DELETE, "deleted in OTYS")
    late = ListOutcome(change=deletion, result=Result.RETRY_LATER, detail=why)
    of = replace(listed("Techniek", uid="1003"), list_changes=(deletion,), list_outcomes=(late,))
    text = tell.text(report(of))
    assert "“Techniek” failed\n  1 change did not come true; the next pass tries again." in text
    assert why in text


def test_a_pass_that_failed_as_a_whole_says_that_nothing_changed(tell: Telling) -> None:
    of = report(problems=("OTYS: no answer",), failure=FailureKind.UNREACHABLE, result=PassResult.FAILED)
    message = tell(of)
    assert message["subject"] == "acme: the pass failed"
    assert "nothing was changed" in part(message, "plain")
    assert "OTYS: no answer" in part(message, "plain")


def test_a_list_that_waits_for_a_person_says_why(tell: Telling) -> None:
    text = tell.text(report(waiting_audience()))
    assert "“123” waits for you" in text
    assert '"1004" = "AUDIENCE ID"' in text


def test_a_renamed_audience_is_told_with_both_names(tell: Telling) -> None:
    assert "'Techniek' → 'Techniek & Bouw'" in tell.text(report(renamed_audience()))


def test_in_plan_mode_the_mail_says_that_nothing_was_written(tell: Telling) -> None:
    message = tell(report(planned_only(listed("News", *applied(people(1234)))), mode="plan"))
    assert message["subject"] == "acme: would add 1,234 contacts"
    assert "Plan mode: nothing was written to Mailchimp." in part(message, "plain")


def test_a_plan_that_takes_many_requests_says_how_many_and_how_long(
    tell: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.effort.WORTH_TELLING", 5)
    text = tell.text(report(planned_only(listed("News", *applied(people(1234)))), mode="plan"))
    assert "Writing it takes about 6 requests to Mailchimp, some 1 min." in text


def test_what_is_over_is_told_by_the_name_of_the_list(tell: Telling) -> None:
    tell(report(broken("News", uid="7")))
    message = tell(report(listed("News", uid="7")))
    assert message["subject"] == "acme: what was wrong is over"
    assert "“News”: works again" in part(message, "plain")


def test_a_first_sync_that_is_done_is_told_with_its_size(tell: Telling) -> None:
    done = replace(listed("News", *applied(people(350)), recipients=350), first_sync=True)
    message = tell(report(done))
    assert message["subject"] == "acme: first sync of 1 list done, 350 added"
    assert "The first sync of “News” is done\n  350 addresses are on the list." in part(message, "plain")


def test_addresses_are_masked_unless_the_client_wants_them_plain(tell: Telling) -> None:
    everywhere = report(
        listed("News for ann@zorg.nl", *noes(["ann@zorg.nl"], NoReason.UNSUBSCRIBED)),
        replace(broken(), problem="Mailchimp: ann@zorg.nl is odd."),
    )
    for kind in ("plain", "html"):
        masked = part(tell(everywhere), kind)
        assert "ann@" not in masked
        assert masked.count("a…@zorg.nl") == 3
        plain = part(tell(everywhere, addresses=MailedAddresses.PLAIN), kind)
        assert plain.count("ann@zorg.nl") == 3


def test_in_dutch_nothing_of_our_own_is_left_in_english(tell: Telling) -> None:
    text = tell.text(rich_report(), language=Language.DUTCH)
    theirs = ("Mailchimp: ", "The part before")  # what services and libraries say
    ours = "\n".join(line for line in text.splitlines() if not any(said in line for said in theirs))
    assert "1.234 toegevoegd, 12 bijgewerkt, 3 verwijderd, 3 zeiden nee" in ours
    assert "30 van 100 zouden verwijderd worden; de grens is 10 % of 500" in ours
    assert not re.search(
        r"\b(the|list|lists|withheld|failed|added|said|contacts|of)\b", ours.replace("10 % of 500", "")
    )


def test_a_mail_about_hundreds_of_lists_stays_short(tell: Telling) -> None:
    changed = [listed(f"List {number}", *applied(people(30)), uid=str(number)) for number in range(300)]
    failed = [broken(f"Broken {number}", uid=f"9{number}") for number in range(300)]
    message = tell(report(*changed, *failed))
    assert "And 280 more like these" in part(message, "plain")
    assert "260 more lists changed." in part(message, "plain")
    assert len(message.as_bytes()) < 300_000
