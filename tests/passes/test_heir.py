"""A list that takes over the audience of another one: whoever said no to that one said it to this one."""

import pytest

from reconciler import lifecycle
from reconciler.model import ListUid, No, NoReason
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.passes.agency import Agency
from tests.passes.deleted import AT_ONCE
from tests.passes.executioner import Killed

JAN, ANNA, GONE = "jan@zorg.nl", "anna@zorg.nl", "weg@zorg.nl"


@pytest.fixture
def heir(acme: Agency) -> MailingList:
    """Return a list made anew, not linked yet; Mailchimp shows no more who said no to the one before."""
    acme.configure(policy='list_deleted = "keep"')
    before = acme.list("Verpleegkundigen", JAN, ANNA, GONE)
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    audience = acme.audience(before)
    acme.sandbox.mailchimp.delete_permanently(audience, ANNA)
    acme.sandbox.mailchimp.unsubscribe(audience, GONE)
    acme.once()
    acme.sandbox.mailchimp.delete_permanently(audience, GONE)
    acme.sandbox.otys.delete_list(before.uid)
    acme.once()
    return acme.list("Verpleegkundigen", JAN)


def nos(acme: Agency, of: MailingList) -> dict[str, NoReason]:
    return {no.address: no.reason for no in remembered(acme, of)}


def remembered(acme: Agency, of: MailingList) -> tuple[No, ...]:
    return acme.store.base("acme", ListUid(of.uid)).nos


def test_whoever_is_on_it_already_after_a_no_to_the_list_before_stays_out(
    acme: Agency, heir: MailingList
) -> None:
    for email in (ANNA, GONE):
        [person] = acme.sandbox.otys.people_at(email)
        acme.edit(person, email=f"nieuw.{email}")  # where Mailchimp knows of no refusal
        acme.join(heir, person)

    acme.once()

    assert acme.subscribed(heir) == {JAN}


def test_whoever_joins_it_after_a_no_to_the_list_before_stays_out(acme: Agency, heir: MailingList) -> None:
    acme.once()
    for email in (ANNA, GONE):
        [person] = acme.sandbox.otys.people_at(email)
        acme.join(heir, person)

    assert acme.writes_of(acme.once) == []

    assert acme.subscribed(heir) == {JAN}


def test_every_no_is_its_own_once_it_is_linked(acme: Agency, heir: MailingList) -> None:
    acme.once()

    kept = remembered(acme, heir)
    assert nos(acme, heir) == {ANNA: NoReason.TAKEN_OUT, GONE: NoReason.UNSUBSCRIBED}
    assert all(no.persons for no in kept)
    assert set(acme.store.base("acme", ListUid(heir.uid)).rows) == {JAN}


def test_every_no_is_its_own_though_the_pass_ends_as_soon_as_the_link_is_kept(
    acme: Agency, heir: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(lifecycle, "_close_begun", killed)
        with pytest.raises(Killed):
            acme.once()

    assert acme.audience(heir)
    assert set(nos(acme, heir)) == {ANNA, GONE}


@pytest.fixture
def archived(acme: Agency) -> MailingList:
    """Return a list made anew while the contacts of the one before were archived."""
    acme.configure(policy='list_deleted = "archive-members"', limits=AT_ONCE)
    before = acme.list("Verpleegkundigen", JAN, ANNA, GONE)
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(before), GONE)
    acme.sandbox.otys.delete_list(before.uid)
    acme.once()
    for one in acme.store.proposals("acme", now=acme.now):
        acme.store.approve(one.digest, by="operator", now=acme.now)
    acme.once()
    assert acme.subscribed(before) == set()
    return acme.list("Verpleegkundigen", JAN, GONE)


def test_whom_we_archived_for_the_list_before_comes_back_on_the_new_one(
    acme: Agency, archived: MailingList
) -> None:
    acme.once()
    acme.join(archived, acme.sandbox.otys.people_at(ANNA)[0])
    acme.once()

    assert acme.subscribed(archived) == {JAN, ANNA}
    assert acme.writes_of(acme.once) == []


def test_whom_somebody_touched_after_we_archived_them_for_the_list_before_stays_out(
    acme: Agency, archived: MailingList
) -> None:
    [audience] = [one.id for one in acme.world.mailchimp.audiences.values() if one.name == archived.name]
    acme.later(hours=1)
    acme.sandbox.mailchimp.edit_fields(audience, JAN, FNAME="Johan")

    acme.once()

    assert acme.subscribed(archived) == set()


def lent(acme: Agency) -> tuple[MailingList, MailingList, str]:
    """Return a list that is let go, another one that has its audience meanwhile, and that audience."""
    own = acme.list("Verpleegkundigen", JAN, ANNA)
    acme.list("Chauffeurs", "rijdt@weg.nl")
    acme.once()
    audience = acme.audience(own)
    acme.sandbox.otys.unselect_list(own.uid)
    acme.once()
    other = acme.list("Zorg")
    for email in (JAN, ANNA):
        acme.join(other, acme.sandbox.otys.people_at(email)[0])
    acme.configure(links=f'"{other.uid}" = "{audience}"')
    acme.once()
    assert acme.audience(other) == audience
    return own, other, audience


def give_back(acme: Agency, own: MailingList, other: MailingList) -> None:
    acme.configure(links="")
    acme.sandbox.otys.unselect_list(other.uid)
    acme.once()
    acme.sandbox.otys.select_list(own.uid)
    acme.once()


def test_whom_we_archived_for_a_list_that_had_the_audience_meanwhile_comes_back(acme: Agency) -> None:
    own, other, audience = lent(acme)
    acme.leave(other, JAN)
    acme.once()

    give_back(acme, own, other)

    assert acme.audience(own) == audience
    assert acme.subscribed(own) == {JAN, ANNA}


def test_a_removal_owed_by_a_list_that_had_the_audience_meanwhile_is_owed_by_its_own(acme: Agency) -> None:
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    own, other, _ = lent(acme)
    [anna] = acme.sandbox.otys.people_at(ANNA)
    acme.sandbox.otys.opt_out(anna.kind, anna.uid)
    acme.leave(own, ANNA)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="DELETE .*", times=None)
    )
    acme.once()

    give_back(acme, own, other)
    acme.sandbox.faults.clear()
    acme.once()

    assert acme.status(own, ANNA) == "archived"
