"""Changes of very many contacts, tried with few in small portions: what they take, and how they go on."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from reconciler.document import effort_of_plan, pass_document
from reconciler.effort import Effort
from reconciler.sandbox.otys.state import MailingList
from tests.crashes.death import Death, Killed, threatened_by
from tests.passes.agency import Agency, results
from tests.passes.deleted import AT_ONCE, bring_back, contacts, look, names

PEOPLE = [f"p{number:02}@zorg.nl" for number in range(11)]
PORTION = 4
OTHER_WAY_ROUND = 'FNAME = "{last_name}"\nLNAME = "{first_name}"'
WRITES = ("after PATCH ", "after DELETE ", "after PUT ", "after POST /3.0/")


class AfterWrites(Death):
    """Comes when Mailchimp has carried out so many writes."""

    def __init__(self, allowed: int) -> None:
        super().__init__()
        self._left = allowed

    def reach(self, moment: str) -> None:
        if moment.startswith(WRITES):
            self._left -= 1
            self._moment = len(self.moments) if self._left == 0 else self._moment
        super().reach(moment)


@pytest.fixture
def nurses(acme: Agency, monkeypatch: pytest.MonkeyPatch) -> MailingList:
    """Return a list in step whose contacts are written in small portions."""
    monkeypatch.setattr("reconciler.sinks.mailchimp_apply.NEWCOMERS_AT_ONCE", PORTION)
    monkeypatch.setattr("reconciler.sinks.mailchimp_apply.SINGLE_WRITES_AT_A_TIME", PORTION)
    acme.configure(limits=AT_ONCE)
    made = acme.list("Verpleegkundigen", *PEOPLE)
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    return made


def cut_off(acme: Agency, work: Callable[[], object], *, after: int) -> list[str]:
    """Let a process begin something and die after so many writes; return those that were carried out."""

    def dying() -> None:
        with threatened_by(AfterWrites(after)), suppress(Killed):
            work()

    written = acme.writes_of(dying)
    acme.later(minutes=3)
    return written


def told(acme: Agency, verb: str) -> Counter[str]:
    """Return how often history says that each contact was changed so, by the hash of its address."""
    return Counter(
        one.address_key
        for record in acme.store.passes("acme")
        for one in acme.store.outcomes(record.id)
        if one.verb == verb and one.result.value == "applied" and one.address_key
    )


def once_each(acme: Agency, people: list[str]) -> Counter[str]:
    return Counter(acme.store.key_address(email) for email in people)


def test_a_changed_mapping_goes_on_where_it_was_cut_off(acme: Agency, nurses: MailingList) -> None:
    acme.fields = OTHER_WAY_ROUND
    first = cut_off(acme, acme.once, after=6)
    assert len(first) == 6

    second = acme.writes_of(acme.once)

    # The driver of the other list is one contact more.
    assert len({*first, *second}) == len(first) + len(second) == len(PEOPLE) + 1
    assert told(acme, "update") == once_each(acme, [*PEOPLE, "rijdt@weg.nl"])
    assert {one.merge_fields["FNAME"] for one in contacts(acme, nurses.name).values()} == {"Jansen"}
    assert acme.writes_of(acme.once) == []


def test_an_archive_of_many_goes_on_where_it_was_cut_off(acme: Agency, nurses: MailingList) -> None:
    leaving = PEOPLE[:10]
    for email in leaving:
        acme.leave(nurses, email)
    first = cut_off(acme, acme.once, after=6)
    assert len(first) == 6

    second = acme.writes_of(acme.once)

    assert len({*first, *second}) == len(first) + len(second) == len(leaving)
    assert told(acme, "remove") == once_each(acme, leaving)
    assert acme.subscribed(nurses) == {PEOPLE[10]}
    assert acme.writes_of(acme.once) == []


def test_a_restored_audience_goes_on_where_it_was_cut_off(acme: Agency, nurses: MailingList) -> None:
    before = told(acme, "add")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert names(acme) == ["Chauffeurs"]
    digest = look(acme, nurses).digest

    # One write creates the audience; each of the others brings back a portion.
    first = cut_off(acme, lambda: bring_back(acme, nurses, digest), after=3)
    second = acme.writes_of(lambda: bring_back(acme, nurses, digest))

    assert len(first) == 3
    assert len([one for one in second if one.startswith("POST")]) == 1
    assert told(acme, "add") - before == once_each(acme, PEOPLE)
    assert names(acme) == ["Chauffeurs", "Verpleegkundigen"]
    assert {one.status for one in contacts(acme, nurses.name).values()} == {"subscribed"}
    assert acme.writes_of(acme.once) == []


def test_a_plan_says_as_many_requests_as_its_writing_takes(acme: Agency) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list("Verpleegkundigen", *PEOPLE, "blijft@zorg.nl", "wijzigt@zorg.nl", "was@zorg.nl")
    acme.once()
    acme.leave(nurses, "was@zorg.nl")
    acme.once()
    for email in PEOPLE[:10]:
        acme.leave(nurses, email)
    acme.edit(acme.sandbox.otys.people_at("wijzigt@zorg.nl")[0], last_name="Anders")
    acme.edit(acme.sandbox.otys.people_at("blijft@zorg.nl")[0], email="verhuisd@zorg.nl")
    for email in ("was@zorg.nl", "nieuw@zorg.nl", "nieuwer@zorg.nl"):
        acme.join(nurses, acme.person(email))

    planned = acme.plan()
    done = acme.once()

    assert results(done) == {
        ("add", "applied"): 3,
        ("update", "applied"): 1,
        ("rename", "applied"): 1,
        ("remove", "applied"): 10,
    }
    effort = effort_of_plan(pass_document(planned))
    assert effort.requests == done.requests["Mailchimp"] - planned.requests["Mailchimp"]
    assert effort_of_plan(pass_document(done)) == Effort()
