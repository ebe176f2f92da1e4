from collections.abc import Callable
from typing import TypeVar

import pytest

from reconciler.client import Client, Unwatched
from reconciler.config import load_config
from reconciler.errors import StaleApproval
from reconciler.model import Address, ListUid
from reconciler.release import AddressRelease
from reconciler.releasing import Wish, look_at_release, release
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.wiring import open_client
from tests.passes.agency import Agency

ANN, BOB = "ann@zorg.nl", "bob@zorg.nl"
EVIDENCE = "she asked for it by telephone on 3 March"


T = TypeVar("T")


def with_client(acme: Agency, work: Callable[[Client], T]) -> T:
    config = load_config(acme.write_config(), {})
    with open_client("acme", config, acme.store, Unwatched(), plan_only=True, now=lambda: acme.now) as client:
        return work(client)


def look(
    acme: Agency, email: str = ANN, *, because: str = EVIDENCE, only: str | None = None
) -> AddressRelease:
    return with_client(acme, lambda client: look_at_release(client, wish(email, because, only)))


def let_go(acme: Agency, email: str = ANN, *, because: str = EVIDENCE, digest: str = "") -> None:
    digest = digest or look(acme, email, because=because).digest
    with_client(acme, lambda client: release(client, wish(email, because), digest=digest, by="eva"))


def wish(email: str, because: str = EVIDENCE, only: str | None = None) -> Wish:
    return Wish(address=Address(email), because=because, only=None if only is None else ListUid(only))


def kept(found: AddressRelease) -> str:
    return "; ".join(one.kept for one in found.lists)


def test_who_was_taken_out_in_mailchimp_is_added_again_after_a_release(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()

    found = look(acme)
    assert found.lists[0].next_pass == f"add {ANN}: on the list in OTYS"
    acme.converge()
    assert acme.subscribed(zorg) == {BOB}, "looking releases nothing"

    let_go(acme)
    acme.converge()
    assert acme.subscribed(zorg) == {ANN, BOB}
    assert acme.writes_of(acme.once) == []


def test_whom_somebody_archived_is_not_released_without_evidence(acme: Agency) -> None:
    """Archiving hides that somebody unsubscribed just before."""
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()

    found = look(acme, because="")

    assert "--because" in kept(found)
    assert found.digest == ""


def test_a_release_itself_writes_nothing_to_mailchimp(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()

    assert acme.writes_of(lambda: let_go(acme)) == []


@pytest.mark.parametrize("because", ["", EVIDENCE])
def test_nobody_is_released_whom_mailchimp_shows_as_unsubscribed(acme: Agency, because: str) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.converge()

    found = look(acme, because=because)

    assert found.digest == ""
    assert "subscribes again by their own action" in kept(found)
    with pytest.raises(StaleApproval):
        let_go(acme, because=because, digest="0" * 64)


def test_nobody_is_released_who_is_opted_out_in_otys(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    person = acme.sandbox.otys.people_at(ANN)[0]
    acme.sandbox.otys.opt_out(person.kind, person.uid)

    found = look(acme, because=EVIDENCE)

    assert found.digest == ""
    assert "OTYS shows" in kept(found)


def test_nobody_is_released_who_is_opted_out_in_otys_without_a_usable_address(
    acme: Agency,
) -> None:
    test_nobody_is_released_who_is_opted_out_in_otys(acme)
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email="geen adres")

    assert look(acme, because=EVIDENCE).digest == ""


def test_nobody_is_released_whose_mailbox_bounced(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.bounce(acme.audience(zorg), ANN)
    acme.converge()

    found = look(acme, because=EVIDENCE)

    assert found.digest == ""
    assert "as cleaned; " in kept(found)


def test_what_a_person_said_is_released_only_with_evidence(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)

    assert "--because" in kept(look(acme, because=""))
    assert look(acme, because="").digest == ""

    let_go(acme, because=EVIDENCE)

    (of_list,) = acme.store.find("acme", Address(ANN))
    assert [(one.no.reason, one.ended_by) for one in of_list.nos] == [("unsubscribed", f"eva: {EVIDENCE}")]


def test_an_unsubscription_that_shows_up_after_the_release_still_counts(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()
    let_go(acme)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(zorg), ANN)
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)

    acme.converge()

    assert acme.subscribed(zorg) == set()


def test_a_no_that_follows_the_person_is_released_with_the_new_address(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email="ann@home.nl")

    found = look(acme, "ann@home.nl")
    assert [no.address for no in found.lists[0].nos] == [ANN]

    let_go(acme, "ann@home.nl")
    acme.converge()
    assert acme.subscribed(zorg) == {"ann@home.nl", BOB}


def test_a_release_that_changed_since_it_was_shown_is_stale(acme: Agency) -> None:
    zorg, horeca = acme.list("Zorg", ANN), acme.list("Horeca")
    acme.join(horeca, acme.sandbox.otys.people_at(ANN)[0])
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    acme.converge()
    shown = look(acme).digest
    acme.sandbox.mailchimp.archive(acme.audience(horeca), ANN)
    acme.converge()

    with pytest.raises(StaleApproval):
        let_go(acme, digest=shown)

    assert acme.store.find("acme", Address(ANN))[0].nos[0].ended_at is None


def test_one_list_can_be_released_alone(acme: Agency) -> None:
    zorg, horeca = acme.list("Zorg", ANN), acme.list("Horeca")
    acme.join(horeca, acme.sandbox.otys.people_at(ANN)[0])
    acme.converge()
    for of in (zorg, horeca):
        acme.sandbox.mailchimp.archive(acme.audience(of), ANN)
    acme.converge()

    found = look(acme, only=zorg.uid)

    assert [one.list_uid for one in found.lists] == [zorg.uid]


def test_a_refusal_is_tried_again_after_a_release(acme: Agency) -> None:
    zorg = acme.list("Zorg", "ann@example.com")
    acme.once()
    assert acme.writes_of(acme.once) == []

    let_go(acme, "ann@example.com")

    assert acme.writes_of(acme.once) != []
    assert acme.subscribed(zorg) == set()


def test_somebody_who_shares_the_old_address_keeps_their_no(acme: Agency) -> None:
    zorg = acme.list("Zorg", "info@zorg.nl")
    first = acme.sandbox.otys.people_at("info@zorg.nl")[0]
    second = acme.person("info@zorg.nl")
    acme.join(zorg, second)
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), "info@zorg.nl")
    acme.converge()
    acme.edit(first, email=ANN)
    acme.edit(second, email=BOB)

    let_go(acme, ANN)
    acme.converge()

    assert acme.subscribed(zorg) == {ANN}


def test_nobody_is_released_from_a_list_that_could_not_be_read(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.converge()
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="lists/.+/members", times=None, value=500
        )
    )

    with acme.client(plan_only=True) as client:
        found = look_at_release(client, wish(ANN))

    assert found.failed
    assert found.digest == ""
