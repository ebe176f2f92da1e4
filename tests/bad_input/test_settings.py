"""Client settings in OTYS that switch the integration off, or say nothing, or say nonsense."""

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk
from tests.cli.office import flat


@pytest.mark.parametrize("value", ["0", "", None], ids=["off", "blank", "missing"])
def test_an_integration_that_is_switched_off(desk: Desk, nurses: MailingList, value: str | None) -> None:
    desk.setting("SE3109", value)
    asked = len(desk.agency.sandbox.log.requests("mailchimp"))
    ended = desk.fails(0)
    assert "the integration is switched off in OTYS (setting 3109): nothing was read or written" in flat(
        ended.out
    )
    assert "switched off" in ended.out.splitlines()[-1]
    assert len(desk.agency.sandbox.log.requests("mailchimp")) == asked
    desk.setting("SE3109", "1")
    desk.recovers(nurses)


def test_a_switch_that_is_neither_on_nor_off(desk: Desk, nurses: MailingList) -> None:
    desk.setting("SE3109", "misschien")
    ended = desk.fails(1)
    assert "FAILED setting 3109: it is neither on nor off; 1 switches the integration on, 0 off." in flat(
        ended.out
    )
    desk.setting("SE3109", "1")
    desk.recovers(nurses)


def test_no_list_was_ever_selected(desk: Desk) -> None:
    made = desk.agency.list("Verpleegkundigen", "jan@zorg.nl", flagged=False)
    ended = desk.fails(0)
    assert "NOTE setting GE203 names no list: flag lists for Mailchimp in OTYS" in flat(ended.out)
    desk.agency.world.otys.flag(made.uid)
    desk.comes_to_rest()
    assert desk.agency.subscribed(made) == {"jan@zorg.nl"}


def test_suddenly_no_list_is_selected_any_more(desk: Desk, nurses: MailingList) -> None:
    desk.setting("GE203", "")
    ended = desk.fails(3)
    shown = flat(ended.out)
    assert f"list {nurses.uid}, audience {desk.agency.audience(nurses)}" in shown
    assert "hold: setting GE203 is suddenly empty; nothing is unlinked for that" in shown
    assert "NOTE setting GE203 names no list: flag lists for Mailchimp in OTYS" in shown
    desk.setting("GE203", nurses.uid)
    desk.recovers(nurses)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "setting GE203: OTYS does not have this setting, so no list is known to be chosen."),
        ("[1001, 10", "setting GE203: this is no list of uids, although it begins as one."),
    ],
    ids=["missing", "cut off"],
)
def test_a_selection_that_cannot_be_read_is_not_taken_for_an_empty_one(
    desk: Desk, nurses: MailingList, value: str | None, sentence: str
) -> None:
    desk.setting("GE203", value)
    ended = desk.fails(1)
    assert f"FAILED {sentence} Correct it in OTYS Go!" in flat(ended.out)
    desk.setting("GE203", nurses.uid)
    desk.recovers(nurses)


def test_a_selection_that_names_unknown_lists_holds_only_those(desk: Desk, nurses: MailingList) -> None:
    desk.setting("GE203", f"999999,{nurses.uid},[b]x[/b]")
    ended = desk.once()
    assert ended.code == 3
    shown = flat(ended.out)
    for unknown in ("999999", "[b]x[/b]"):
        assert (
            f"(without a name) list {unknown}, no audience audience hold: setting GE203 names it, but "
            "OTYS has no list with this uid" in shown
        )
    assert "nieuw@zorg.nl" in desk.agency.subscribed(nurses)
    assert len(desk.agency.world.mailchimp.audiences) == 1
    assert desk.loses_nothing(desk.once).code == 3
    desk.setting("GE203", nurses.uid)
    desk.recovers(nurses)
