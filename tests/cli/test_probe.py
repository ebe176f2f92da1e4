import json

from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def test_probe_names_the_fields_that_come_and_shows_no_value(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan.jansen@mailhuis.nl")

    ended = run("probe")

    assert ended.code == 0
    assert "mapping UNVERIFIED" in ended.out
    assert "MailingListRecipientService.getListEx: 1 rows" in ended.out
    assert "email = email" in ended.out
    assert '"email": "text: an address"' in ended.out
    for value in ("jan.jansen", "Jansen", "Kandidaten", office.world.mailchimp_api_key):
        assert value not in ended.out


def test_probe_as_json_says_what_the_tenant_refuses(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    office.sandbox.otys.deny_service("MailingListRecipientService")

    ended = run("probe", "--json")

    assert ended.code == 1
    [acme] = json.loads(ended.out)["clients"]
    recipients = acme["report"]["services"][1]
    assert recipients["service"] == "MailingListRecipientService"
    assert recipients["error"]
    assert acme["report"]["problems"]


def test_probe_tells_a_refused_key_and_goes_on_with_the_next_client(run: Run, office: Office) -> None:
    office.configure("zeta", key="wrong")

    ended = run("probe")

    assert ended.code == 1
    assert "the API key is refused" in flat(ended.out)
    assert "MailingListService.getListEx" in ended.out


def test_probe_does_not_apply_to_a_folder_of_lists(run: Run, office: Office) -> None:
    office.folder.joinpath("config", "reconciler.toml").write_text(
        '[clients.acme]\nmode = "plan"\ncsv = { folder = "lists" }\nmailchimp = { api_key = "0-us6" }\n',
        "utf-8",
    )

    ended = run("probe")

    assert ended.code == 0
    assert "does not apply" in ended.out


def test_a_client_that_is_not_configured_is_told_with_those_that_are(run: Run, office: Office) -> None:
    ended = run("probe", "--client", "acne")

    assert ended.code == 2
    assert "there is no client 'acne'; known: acme" in flat(ended.err)
    assert office.sandbox.log.requests() == []
