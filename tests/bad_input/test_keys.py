"""Keys that do not open, or stand in the wrong place."""

import pytest

from reconciler.sandbox.otys.state import MailingList
from reconciler.sandbox.worlds.settings import DEFAULT_REMINDER
from tests.bad_input.desk import ANOTHER_KEY, Desk
from tests.cli.office import flat


def test_a_wrong_key_of_otys(desk: Desk, nurses: MailingList) -> None:
    desk.agency.sandbox.otys.revoke_key()
    ended = desk.fails(1)
    assert (
        "FAILED OTYS: the API key is refused. Put a valid key of OTYS into `clients.NAME.otys.api_key`."
        in flat(ended.out)
    )
    desk.agency.sandbox.otys.restore_key()
    desk.recovers(nurses)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (
            f"{ANOTHER_KEY}-us6",
            (
                "Mailchimp: the API key is not accepted (GET /lists: 401 API Key Invalid). Put a valid key "
                "in the configuration or in the client's OTYS settings."
            ),
        ),
        (
            f"{ANOTHER_KEY}-us19",
            (
                "Mailchimp: the API key belongs to another data centre (GET /lists: 403 Forbidden). Copy the "
                "whole key, with the suffix that names its data centre, or correct base_url."
            ),
        ),
        (
            "wachtwoord met spaties",
            (
                "Mailchimp: the API key is empty or holds characters no key has. Copy the key again from "
                "Mailchimp: Profile, Extras, API keys."
            ),
        ),
        (
            "",
            (
                "Mailchimp: there is no API key. Put one in client setting 3111 in OTYS or in the client's "
                "[mailchimp] section."
            ),
        ),
    ],
    ids=["refused", "another data centre", "no key at all", "empty"],
)
def test_a_wrong_key_of_mailchimp(desk: Desk, nurses: MailingList, key: str, sentence: str) -> None:
    desk.setting("SE3111", key)
    ended = desk.fails(1)
    assert f"FAILED {sentence}" in flat(ended.out)
    assert "wachtwoord" not in ended.out
    desk.setting("SE3111", desk.agency.world.mailchimp_api_key)
    desk.recovers(nurses)


def test_a_key_without_its_data_centre_is_told_before_anything_is_asked(desk: Desk) -> None:
    desk.agency.configure(mailchimp=f'api_key = "{ANOTHER_KEY}"')
    ended = desk.loses_nothing(desk.once)
    assert ended.code == 1
    assert "the API key does not end with its data centre, such as -us6. Copy the whole key" in flat(
        ended.out
    )


def test_a_mailchimp_key_pasted_into_3121(desk: Desk, nurses: MailingList) -> None:
    desk.setting("SE3121", f"{ANOTHER_KEY}-us6")
    ended = desk.fails(1)
    assert (
        "FAILED setting 3121: this holds a Mailchimp API key instead of a permission reminder; put the key "
        "into 3111 and the text of the reminder here. Correct it in OTYS Go!, or override it in "
        "`clients.NAME.otys.settings`. acme" in flat(ended.out)
    )
    desk.setting("SE3121", DEFAULT_REMINDER)
    desk.recovers(nurses)
