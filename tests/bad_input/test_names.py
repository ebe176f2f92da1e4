"""Names as people really write them: long, with emoji, with quotes, HTML and what steers a terminal."""

import json

import pytest

from tests.bad_input.desk import Desk
from tests.cli.office import flat

LONG = "Verpleegkundige " * 18 + "einde van 12"
STEERING = "\"'<b>&amp;</b>[red]rood[/red] [/] \x1b[31mROOD\r\ntweede \u202eregel {0} %s"


@pytest.mark.parametrize(
    "name",
    [LONG, "Verpleging 🎄 👩\u200d⚕️", STEERING, "Ĳsbrand Ünal 李", "'; DROP TABLE links; --", "123"],
    ids=["300 characters", "emoji", "steering", "letters", "quotes", "digits"],
)
def test_a_name_arrives_as_it_is_and_changes_nothing_on_the_terminal(desk: Desk, name: str) -> None:
    named = desk.agency.list(name)
    desk.agency.join(named, desk.agency.person("jan@zorg.nl", name, name))
    for command in ("plan", "once"):
        ended = desk.type(command)
        assert ended.code == 0
        assert not set("\x1b\r\u202e") & set(ended.out)
    desk.comes_to_rest()
    contact = desk.agency.contact(named, "jan@zorg.nl")
    assert contact is not None
    words = " ".join(name.split())
    assert contact.merge_fields == {"FNAME": words, "LNAME": words}
    assert desk.agency.sandbox.mailchimp.audience(desk.agency.audience(named)).name.split() == name.split()


def test_a_long_list_name_is_cut_on_the_terminal_and_whole_in_json(desk: Desk) -> None:
    assert len(LONG) == 300
    named = desk.agency.list(LONG, "jan@zorg.nl")
    shown = desk.plan().out
    assert "Verpleegkundige Verpleegkundige" in shown
    assert "…" in shown
    assert "einde van 12" not in shown
    change = json.loads(desk.plan("--json").out)["changes"][0]
    assert change["after"]["name"] == LONG
    assert change["list"] == named.uid


def test_markup_and_control_characters_are_shown_as_what_they_are(desk: Desk) -> None:
    named = desk.agency.list(STEERING)
    desk.agency.join(named, "[/b] spatie@zorg.nl")
    shown = flat(desk.plan().out)
    assert "\"'<b>&amp;</b>[red]rood[/red] [/] \\x1b[31mROOD\\r\\ntweede \\u202eregel…" in shown
    assert "'[/b] spatie@zorg.nl'" in shown


def test_an_edited_name_is_shown_before_and_after_without_steering(desk: Desk) -> None:
    named = desk.agency.list("Verpleging")
    jan = desk.agency.person("jan@zorg.nl", "Jan")
    desk.agency.join(named, jan)
    desk.comes_to_rest()
    desk.agency.edit(jan, first_name="[bold]\x1b[2JJan")
    desk.agency.sandbox.otys.rename_list(named.uid, "[/red]\x1b]0;titel\x07")
    ended = desk.once()
    assert ended.code == 0
    shown = flat(ended.out)
    assert "FNAME: 'Jan' → '[bold]\\x1b[2JJan'" in shown
    assert "name: 'Verpleging' → '[/red]\\x1b]0;titel\\x07'" in shown
    assert "\x07" not in ended.out
    desk.comes_to_rest()
