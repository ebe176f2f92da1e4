from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.config import (
    Mode,
    NotifyOn,
    Schedule,
    SecretRef,
    UrlRef,
    load_config,
    read_config,
    warnings,
)
from reconciler.config.load import secrets_of
from reconciler.errors import ConfigurationError
from reconciler.policy import ListDeleted
from tests.config_folder import MINIMAL, SECRET, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_minimal_file_gets_the_documented_defaults(folder: Folder) -> None:
    config = folder.load(MINIMAL)

    acme = config.clients["acme"]
    assert acme.mode is Mode.PLAN
    assert acme.otys is not None
    assert acme.otys.endpoint == "https://ows.otys.nl/jservice.php"
    assert acme.otys.api_key.reveal() == SECRET
    assert acme.fields == {"FNAME": "{first_name}", "LNAME": "{infix} {last_name}"}
    assert acme.policy.list_deleted is ListDeleted.DELETE
    assert acme.limits.removals_percent == 10
    assert acme.notify.on is NotifyOn.CHANGES
    assert config.daemon.schedule.every == timedelta(minutes=5)
    assert config.daemon.timezone.key == "Europe/Amsterdam"
    assert str(config.http.listen) == "127.0.0.1:8080"
    assert config.state.url.reveal() == "sqlite:///state/reconciler.db"
    assert config.mail is None


def test_every_key_of_a_full_file_arrives(folder: Folder) -> None:
    config = folder.load(
        """
        [daemon]
        schedule = "*/10 7-19 * * mon-fri"
        timezone = "UTC"
        [http]
        listen = "0.0.0.0:9000"
        token = "bearer"
        [mail]
        smtp_url = "smtp://mail.example.org:25"
        from = "sync@agency.nl"
        language = "en"
        [clients.acme]
        mode = "apply"
        fields = { FNAME = "{name}", KIND = "{kind} {{x}}" }
        links = { "12" = "a1" }
        policy = { list_deleted = "keep", archive_opted_out = true }
        limits = { removals_percent = 5, grace_hours = 0, canaries = ["ann@agency.nl"] }
        notify = { to = "ann@agency.nl", on = "always" }
        [clients.acme.otys]
        endpoint = "http://127.0.0.1:8000/jservice.php"
        api_key = { env = "OTYS_KEY" }
        mapping = "mapping.toml"
        settings = { "3109" = true, "3111" = "key", "3121" = "why", "GE203" = ["1", "2"] }
        [clients.acme.mailchimp]
        base_url = "http://[::1]:8001/3.0"
        [clients.acme.mailchimp.audience_defaults]
        company = "A"
        address1 = "B 1"
        city = "C"
        from_name = "A"
        from_email = "ann@agency.nl"
        subject = "News"
        """
    )

    acme = config.clients["acme"]
    assert config.daemon.schedule == Schedule("*/10 7-19 * * mon-fri", None)
    assert config.mail is not None
    assert config.mail.sender == "sync@agency.nl"
    assert acme.policy.archive_opted_out
    assert acme.limits.grace_hours == 0
    assert acme.notify.to == ("ann@agency.nl",)
    assert acme.mailchimp.audience_defaults is not None
    assert acme.mailchimp.audience_defaults.country == "NL"
    assert acme.otys is not None
    assert acme.otys.settings.overrides() == {
        "3109": "1",
        "3111": "key",
        "3121": "why",
        "GE203": '["1", "2"]',
    }


def test_settings_are_understood_in_the_form_otys_keeps_them(folder: Folder) -> None:
    config = folder.load(MINIMAL + 'settings = { "3109" = "0", "GE203" = "1, 2;3" }')

    otys = config.clients["acme"].otys
    assert otys is not None
    assert otys.settings.enabled is False
    assert otys.settings.lists == ("1", "2", "3")


def test_a_folder_of_exports_can_stand_in_for_otys(folder: Folder) -> None:
    config = folder.load(
        '[clients.acme]\nmode="plan"\ncsv.folder="lists"\nmailchimp.api_key={env="OTYS_KEY"}'
    )

    csv = config.clients["acme"].csv
    assert csv is not None
    assert csv.folder == Path("lists")


def test_a_file_saved_with_a_byte_order_mark_is_read(folder: Folder) -> None:
    assert folder.load("\ufeff" + MINIMAL).clients.keys() == {"acme"}


# -- the environment -----------------------------------------------------------------------------------


def test_a_variable_overrides_the_file_whatever_its_case(folder: Folder) -> None:
    for variable in ("RECONCILER__CLIENTS__ACME__MODE", "reconciler__clients__acme__mode"):
        assert folder.load(MINIMAL, **{variable: "apply"}).clients["acme"].mode is Mode.APPLY


def test_variables_of_every_type_are_understood(folder: Folder) -> None:
    config = folder.load(
        MINIMAL,
        RECONCILER__DAEMON__WORKERS="8",
        RECONCILER__CLIENTS__ACME__LIMITS__GRACE_HOURS="0.5",
        RECONCILER__CLIENTS__ACME__LIMITS__CANARIES="ann@agency.nl, bob@agency.nl",
        RECONCILER__CLIENTS__ACME__POLICY__ARCHIVE_OPTED_OUT="true",
        RECONCILER__CLIENTS__ACME__FIELDS__FNAME="{name}",
        RECONCILER__CLIENTS__ACME__LINKS='{ "12" = "a1" }',
        RECONCILER__CLIENTS__ACME__OTYS__SETTINGS__GE203='["7"]',
    )

    acme = config.clients["acme"]
    assert config.daemon.workers == 8
    assert acme.limits.grace_hours == 0.5
    assert acme.limits.canaries == ("ann@agency.nl", "bob@agency.nl")
    assert acme.policy.archive_opted_out
    assert acme.fields == {"FNAME": "{name}"}
    assert acme.links == {"12": "a1"}
    assert acme.otys is not None
    assert acme.otys.settings.lists == ("7",)


def test_a_client_can_come_from_the_environment_alone(folder: Folder) -> None:
    config = folder.load(
        "",
        RECONCILER__CLIENTS__ACME__MODE="plan",
        RECONCILER__CLIENTS__ACME__OTYS__API_KEY="007",
    )

    otys = config.clients["acme"].otys
    assert otys is not None
    assert otys.api_key.reveal() == "007"
    assert "RECONCILER__CLIENTS__ACME__OTYS__API_KEY" in otys.api_key.origin
    assert warnings(config) == ()


def test_a_dash_in_a_clients_name_is_an_underscore_in_a_variable(folder: Folder) -> None:
    text = MINIMAL.replace("acme", "acme-north")

    config = folder.load(text, RECONCILER__CLIENTS__ACME_NORTH__MODE="apply")

    assert {name: client.mode for name, client in config.clients.items()} == {"acme-north": Mode.APPLY}


def test_a_variable_that_names_no_key_is_a_problem(folder: Folder) -> None:
    found = folder.problems(MINIMAL, RECONCILER__DAEMON__WORKRES="8", RECONCILER__DEAMON="1")

    assert 'did you mean "WORKERS"?' in found["environment variable RECONCILER__DAEMON__WORKRES"]
    assert 'did you mean "DAEMON"?' in found["environment variable RECONCILER__DEAMON"]


def test_a_wrong_value_names_the_variable_it_came_from(folder: Folder) -> None:
    found = folder.problems(MINIMAL, RECONCILER__DAEMON__WORKERS="many")

    assert found == {
        "daemon.workers": "must be a whole number (environment variable RECONCILER__DAEMON__WORKERS)"
    }


# -- secrets -------------------------------------------------------------------------------------------


def test_a_secret_file_loses_only_its_line_break_and_is_read_anew_each_time(folder: Folder) -> None:
    kept = folder.path / "key"
    kept.write_bytes(b" 0012 \r\n")
    config = folder.load(MINIMAL.replace('{ env = "OTYS_KEY" }', f'{{ file = "{kept}" }}'))
    otys = config.clients["acme"].otys
    assert otys is not None

    assert otys.api_key.reveal() == " 0012 "
    kept.write_text("renewed", encoding="utf-8")
    assert otys.api_key.reveal() == "renewed"
    kept.unlink()
    with pytest.raises(ConfigurationError):
        otys.api_key.reveal()


def test_a_secret_that_is_not_there_is_a_problem_only_when_it_is_needed(folder: Folder) -> None:
    folder.file.write_text(MINIMAL, encoding="utf-8")

    assert read_config(folder.file, {}).config.clients["acme"].mode is Mode.PLAN
    with pytest.raises(ConfigurationError) as refused:
        load_config(folder.file, {})
    assert refused.value.problems[0].path == "clients.acme.otys.api_key"


def test_no_way_of_printing_a_configuration_shows_a_secret(folder: Folder) -> None:
    config = folder.load(
        f"""
        [http]
        token = "{SECRET}"
        [state]
        url = "postgresql+psycopg://sync:{SECRET}/@:x@db/sync"
        [mail]
        smtp_url = "smtp://sync:{SECRET}@mail"
        from = "a@b.nl"
        [clients.acme]
        mode = "plan"
        [clients.acme.otys]
        api_key = "{SECRET}"
        settings = {{ "3111" = "{SECRET}" }}
        """
    )

    shown = [repr(config), str(config), str(config.model_dump()), config.model_dump_json()]
    shown += [f"{value} {value!r}" for _, value in secrets_of(config)]
    shown += [value.masked() for _, value in secrets_of(config) if isinstance(value, UrlRef)]
    assert all(SECRET not in text for text in shown)
    assert all(value.reveal().count(SECRET) == 1 for _, value in secrets_of(config))
    assert sum(isinstance(value, SecretRef) for _, value in secrets_of(config)) == 3


def test_plain_secrets_are_warned_of_unless_they_are_for_this_machine(folder: Folder) -> None:
    plain = MINIMAL.replace('{ env = "OTYS_KEY" }', f'"{SECRET}"')
    local = 'endpoint = "http://localhost:8000/jservice.php"\n'
    mailchimp = f'[clients.acme.mailchimp]\napi_key = "{SECRET}"\n'
    local_mailchimp = 'base_url = "http://127.0.0.1:8001/3.0"\n'

    assert [doubt.path for doubt in warnings(folder.load(plain + mailchimp))] == [
        "clients.acme.otys.api_key",
        "clients.acme.mailchimp.api_key",
    ]
    assert warnings(folder.load(plain + local + mailchimp + local_mailchimp)) == ()
