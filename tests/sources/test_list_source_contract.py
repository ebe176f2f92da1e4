"""What every source of mailing lists promises, whether OTYS over HTTP, a folder of exports, or memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import RemoteError
from reconciler.model import Fate, ListUid, MailingList
from tests.sources.recruiters import FolderRecruiter, MemoryRecruiter, Recruiter, rows_of, sandbox_recruiter


@pytest.fixture(params=["otys", "csv", "memory"])
def recruiter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recruiter]:
    match request.param:
        case "otys":
            with sandbox_recruiter() as recruiter:
                yield recruiter
        case "csv":
            yield FolderRecruiter(tmp_path)
        case _:
            yield MemoryRecruiter()


def addresses(recruiter: Recruiter, uid: ListUid) -> list[str]:
    return sorted(row.email for row in rows_of(recruiter.source, uid))


def test_the_integration_is_on_and_names_the_flagged_lists_in_order(recruiter: Recruiter) -> None:
    first = recruiter.add_list("Accountants")
    recruiter.add_list("Koks", flagged=False)
    second = recruiter.add_list("Lassers")
    integration = recruiter.source.integration()
    assert integration.enabled
    assert integration.flagged == (first, second)


def test_lists_of_the_same_name_are_told_apart_by_uid(recruiter: Recruiter) -> None:
    uids = {recruiter.add_list("123") for _ in range(3)}
    catalogue = recruiter.source.catalogue()
    assert catalogue.tally.complete
    assert {row.uid for row in catalogue.lists} == uids
    assert {row.name for row in catalogue.lists} == {"123"}


@pytest.mark.parametrize("name", ["Kerst 🎄 2026", 'a;b,"c"', "Café Müller & 'zn'", "<b>x</b>", "n" * 300])
def test_a_name_may_hold_anything(recruiter: Recruiter, name: str) -> None:
    recruiter.add_list(name)
    assert [row.name for row in recruiter.source.catalogue().lists] == [name]


def test_a_list_has_its_own_reminder_or_none(recruiter: Recruiter) -> None:
    own = recruiter.add_list("Eigen", reminder="Je staat ingeschreven; klopt dat?")
    default = recruiter.add_list("Gewoon")
    reminders = {row.uid: row.permission_reminder for row in recruiter.source.catalogue().lists}
    assert reminders == {own: "Je staat ingeschreven; klopt dat?", default: ""}


def test_an_empty_catalogue_is_complete(recruiter: Recruiter) -> None:
    catalogue = recruiter.source.catalogue()
    assert catalogue.lists == ()
    assert catalogue.tally.complete


def test_a_recipient_carries_address_and_names(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.add_candidate(uid, "Sanne@Example.org", first="Sanne", infix="van 't", last="Hof; zn")
    (row,) = rows_of(recruiter.source, uid)
    assert row.email == "Sanne@Example.org"
    assert {name: row.values[name] for name in ("first_name", "infix", "last_name")} == {
        "first_name": "Sanne",
        "infix": "van 't",
        "last_name": "Hof; zn",
    }
    assert not row.opted_out


def test_a_list_without_recipients_is_complete_and_empty(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Vakantiekrachten")
    assert rows_of(recruiter.source, uid) == ()


def test_every_row_of_a_long_list_comes_once(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Lang")
    expected = [f"p{number:03}@example.org" for number in range(501)]
    for address in expected:
        recruiter.add_candidate(uid, address)
    assert addresses(recruiter, uid) == expected


def test_people_who_share_an_address_all_come(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Stellen")
    recruiter.add_candidate(uid, "familie@example.org", first="Anna")
    recruiter.add_candidate(uid, "familie@example.org", first="Bram")
    rows = rows_of(recruiter.source, uid)
    assert [row.email for row in rows] == ["familie@example.org"] * 2
    assert len({row.person for row in rows}) == 2


def test_an_address_is_given_as_it_is_even_if_it_is_none(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Rommel")
    recruiter.add_candidate(uid, "geen adres")
    recruiter.add_candidate(uid, "")
    assert addresses(recruiter, uid) == ["", "geen adres"]


def test_who_is_taken_off_is_gone_at_the_next_reading(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.add_candidate(uid, "blijft@example.org")
    recruiter.add_candidate(uid, "gaat@example.org")
    assert len(addresses(recruiter, uid)) == 2
    recruiter.remove(uid, "gaat@example.org")
    assert addresses(recruiter, uid) == ["blijft@example.org"]


def test_a_list_that_is_there_lives_flagged_or_not(recruiter: Recruiter) -> None:
    flagged, unflagged = recruiter.add_list("Koks"), recruiter.add_list("Bakkers", flagged=False)
    assert [recruiter.source.fate(uid) for uid in (flagged, unflagged)] == [Fate.LIVES] * 2


def test_a_deleted_list_leaves_the_catalogue_and_is_proved_deleted(recruiter: Recruiter) -> None:
    gone, stays = recruiter.add_list("Koks"), recruiter.add_list("Bakkers")
    recruiter.delete_list(gone)
    assert [row.uid for row in recruiter.source.catalogue().lists] == [stays]
    assert recruiter.source.fate(gone) is Fate.DELETED


def test_an_outage_is_an_error_and_never_an_empty_answer(recruiter: Recruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.add_candidate(uid, "sanne@example.org")
    mailing_list = MailingList(uid=uid, name="Koks")
    source = recruiter.source
    recruiter.break_down()
    for reading in (
        source.integration,
        source.catalogue,
        lambda: source.recipients(mailing_list),
        lambda: source.fate(uid),
    ):
        with pytest.raises(RemoteError):
            reading()
