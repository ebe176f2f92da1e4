"""Lists without anybody, with one too many for a request, and with an address that is none."""

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk
from tests.cli.office import flat


def test_a_list_that_never_had_a_recipient_gets_an_empty_audience(desk: Desk) -> None:
    empty = desk.agency.list("Nog niemand")
    planned = desk.loses_nothing(desk.plan)
    assert planned.code == 0
    assert "would create 1 audience; nothing was written" in flat(planned.out)
    desk.comes_to_rest()
    assert desk.agency.subscribed(empty) == set()
    desk.agency.join(empty, desk.agency.person("jan@zorg.nl"))
    desk.comes_to_rest()
    assert desk.agency.subscribed(empty) == {"jan@zorg.nl"}


def test_a_list_that_is_emptied_keeps_its_contacts_until_somebody_approves(desk: Desk) -> None:
    many = {f"persoon{number}@zorg.nl" for number in range(20)}
    nurses = desk.agency.list("Verpleegkundigen", *many)
    desk.comes_to_rest()
    rows = dict(nurses.recipients)
    desk.agency.sandbox.otys.empty_list(nurses.uid)
    shown = flat(desk.fails(3).out)
    assert "WITHHELD: 20 changes of acme" in shown
    assert f"Verpleegkundigen (list {nurses.uid}): remove 20" in shown
    assert " approve " in shown
    assert desk.fails(3).code == 3
    nurses.recipients.update(rows)
    assert desk.loses_nothing(desk.once).code == 0
    assert desk.agency.subscribed(nurses) == many


def test_501_recipients_take_two_requests_and_nobody_is_left_out(desk: Desk) -> None:
    many = {f"persoon{number}@zorg.nl" for number in range(501)}
    big = desk.agency.list("Groot", *many)
    before = desk.agency.sandbox.log.last_number()
    ended = desk.once()
    assert ended.code == 0
    assert "created 1 audience, added 501" in flat(ended.out)
    audience = f"/3.0/lists/{desk.agency.audience(big)}"
    assert [one.path for one in desk.agency.sandbox.log.writes(after=before)] == [
        "/3.0/lists",
        audience,
        audience,
    ]
    assert desk.agency.subscribed(big) == many
    desk.comes_to_rest()


def test_an_address_with_a_space_is_named_with_its_person_and_never_sent(
    desk: Desk, nurses: MailingList
) -> None:
    wrong = desk.agency.person("jan jansen@zorg.nl")
    desk.agency.join(nurses, wrong)
    planned = desk.loses_nothing(lambda: desk.plan("--all"))
    assert planned.code == 0
    assert (
        f"1 recipient without a usable address candidate:{wrong.uid} 'jan jansen@zorg.nl': The email address "
        "contains invalid characters before the @-sign: SPACE." in flat(planned.out)
    )
    ended = desk.once()
    assert ended.code == 0
    assert "Not mailed: 1 recipient without a usable address" in flat(ended.out)
    assert all(b"jansen@zorg.nl" not in one.body for one in desk.agency.sandbox.log.writes())
    desk.recovers(nurses)
    desk.agency.edit(wrong, email="jan.jansen@zorg.nl")
    desk.comes_to_rest()
    assert "jan.jansen@zorg.nl" in desk.agency.subscribed(nurses)


def test_an_address_that_gets_a_space_costs_nobody_the_place(desk: Desk, nurses: MailingList) -> None:
    desk.once()
    jan = desk.agency.sandbox.otys.people_at("jan@zorg.nl")[0]
    desk.agency.edit(jan, email="ja n@zorg.nl")
    ended = desk.fails(0)
    assert (
        "hold 1: still on the list, but its address in OTYS is not valid: The email address contains invalid "
        "characters before the @-sign: SPACE. jan@zorg.nl" in flat(ended.out)
    )
    assert "jan@zorg.nl" in desk.agency.subscribed(nurses)
    desk.agency.edit(jan, email="jan@zorg.nl")
    desk.recovers(nurses)
