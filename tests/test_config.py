import json
import re
import tomllib
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from reconciler.config import (
    Config,
    DaemonConfig,
    Mode,
    NotifyOn,
    Schedule,
    SecretRef,
    UrlRef,
    load_config,
    read_config,
    warnings,
)
from reconciler.config.document import document
from reconciler.config.example import example
from reconciler.config.keys import Form, Key, root
from reconciler.config.load import secrets_of
from reconciler.errors import ConfigurationError
from reconciler.policy import Limits, ListDeleted, Policy

ROOT = Path(__file__).parents[1]
SECRET = "s3cr3t-0123456789"
MINIMAL = '[clients.acme]\nmode = "plan"\n[clients.acme.otys]\napi_key = { env = "OTYS_KEY" }\n'
ENVIRON = {"OTYS_KEY": SECRET}


class Folder:
    """A folder with a configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "reconciler.toml"

    def load(self, text: str, **environ: str) -> Config:
        self.file.write_text(text, encoding="utf-8")
        return load_config(self.file, ENVIRON | environ)

    def problems(self, text: str, **environ: str) -> dict[str, str]:
        """Return the problems' messages by path; fail if there are none, or if one shows the secret."""
        with pytest.raises(ConfigurationError) as refused:
            self.load(text, **environ)
        found: dict[str, str] = {}
        for problem in refused.value.problems:
            found[problem.path] = "; ".join(filter(None, (found.get(problem.path), problem.message)))
        assert SECRET not in json.dumps(found) + "".join(traceback.format_exception(refused.value))
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# -- what is read --------------------------------------------------------------------------------------


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


# -- what is refused -----------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_told_at_once(folder: Folder) -> None:
    found = folder.problems(
        f"""
        [deamon]
        [daemon]
        workers = "4"
        [http]
        listen = "0.0.0.0:80"
        [clients.acme]
        api_key = "{SECRET}"
        [clients.acme.policy]
        list_deleted = "kep"
        [clients.beta]
        mode = "aply"
        [clients.beta.otys]
        api_key = 12
        [clients.beta.limits]
        removals_count = -1
        """
    )

    assert found.keys() == {
        "deamon",
        "daemon.workers",
        "http.token",
        "clients.acme",
        "clients.acme.mode",
        "clients.acme.api_key",
        "clients.acme.policy.list_deleted",
        "clients.beta.mode",
        "clients.beta.otys.api_key",
        "clients.beta.limits.removals_count",
    }
    assert 'did you mean "daemon"?' in found["deamon"]
    assert 'did you mean "keep"?' in found["clients.acme.policy.list_deleted"]
    assert "clients.NAME.otys.api_key" in found["clients.acme.api_key"]


def test_a_missing_mode_explains_both_choices(folder: Folder) -> None:
    message = folder.problems(MINIMAL.replace('mode = "plan"', ""))["clients.acme.mode"]

    assert "missing" in message
    assert '"plan" shows what would change and writes nothing' in message
    assert '"apply" makes the changes' in message


REFUSED = [
    ('[daemon]\nschedule = "every 0 minutes"', "daemon.schedule", "at least 1"),
    ('[daemon]\nschedule = "every fortnight"', "daemon.schedule", '"every N minutes"'),
    ('[daemon]\nschedule = "60 * * * *"', "daemon.schedule", "minute goes from 0 to 59"),
    ('[daemon]\nschedule = "0 5-3 * * *"', "daemon.schedule", "hour"),
    ('[daemon]\nschedule = "*/0 * * * *"', "daemon.schedule", "minute"),
    ('[daemon]\nschedule = "0 0 0 * *"', "daemon.schedule", "day of month"),
    ('[daemon]\nschedule = "0 0 1 foo *"', "daemon.schedule", "month"),
    ('[daemon]\nschedule = "0 0 1 * 8"', "daemon.schedule", "day of week"),
    ("[daemon]\nschedule = 5", "daemon.schedule", "text in quotes"),
    ('[daemon]\ntimezone = "Europe/Amsterdm"', "daemon.timezone", 'did you mean "Europe/Amsterdam"?'),
    ('[daemon]\ntimezone = "../../etc/passwd"', "daemon.timezone", "time zone"),
    ("[daemon]\nworkers = 1.5", "daemon.workers", "whole number"),
    ("[daemon]\nworkers = true", "daemon.workers", "whole number"),
    ("daemon = 3", "daemon", "must be a table"),
    ('[http]\nlisten = "8080"', "http.listen", "host:port"),
    ('[http]\nlisten = "127.0.0.1:70000"', "http.listen", "host:port"),
    ('[http]\ntoken = ""', "http.token", "is empty"),
    ('[http]\ntoken = { evn = "X" }', "http.token", '{ env = "NAME" }'),
    ('[http]\ntoken = { env = "A", file = "B" }', "http.token", '{ env = "NAME" }'),
    ('[http]\ntoken = { file = "no/such/file" }', "http.token", "cannot be read"),
    ('[state]\nurl = "mysql://u:p@h/d"', "state.url", "sqlite:///"),
    ('[state]\nurl = "postgresql://u:p@h/d"', "state.url", "postgresql+psycopg://"),
    ('[mail]\nsmtp_url = "mail:25"\nfrom = "a@b.nl"', "mail.smtp_url", "smtp://"),
    ('[mail]\nsmtp_url = "smtp://h"\nfrom = "nobody"', "mail.from", "valid e-mail address"),
    ('[mail]\nsmtp_url = "smtp://h"', "mail.from", "is missing"),
    ('clients.acme.otys.endpoint = "http://ows.otys.nl"', "clients.acme.otys.endpoint", "https://"),
    ('clients.acme.otys.endpoint = "ows.otys.nl"', "clients.acme.otys.endpoint", "https://"),
    ('clients.acme.otys.endpoint = "https://[nope"', "clients.acme.otys.endpoint", "not a URL"),
    (f'clients.acme.otys.endpoint = "https://u:{SECRET}@h"', "clients.acme.otys.endpoint", "password"),
    ('clients.acme.otys.settings.SE3111 = "x"', "clients.acme.otys.settings.SE3111", 'mean "3111"?'),
    ('clients.acme.otys.settings.3109 = "aan"', "clients.acme.otys.settings.3109", "true or false"),
    ("clients.acme.otys.settings.GE203 = [1]", "clients.acme.otys.settings.GE203[0]", "text in quotes"),
    ('clients.acme.otys.mapping = ""', "clients.acme.otys.mapping", "empty"),
    ('clients.acme.csv.folder = "x"', "clients.acme", "both are there"),
    ('clients.acme.mailchimp.base_url = "http://x.org"', "clients.acme.mailchimp.base_url", "https://"),
    ('clients.acme.fields.FNAME = "{frist_name}"', "clients.acme.fields.FNAME", 'mean "first_name"?'),
    ('clients.acme.fields.FNAME = "{first_name"', "clients.acme.fields.FNAME", "brace"),
    ('clients.acme.fields.FNAME = "{first_name!r}"', "clients.acme.fields.FNAME", "plain placeholders"),
    ('clients.acme.fields.FNAME = "{}"', "clients.acme.fields.FNAME", "does not exist"),
    ('clients.acme.fields.fname = "x"', "clients.acme.fields.fname", "A to Z"),
    ('clients.acme.fields.ELEVENCHARS = "x"', "clients.acme.fields.ELEVENCHARS", "1 to 10"),
    ('clients.acme.fields.EMAIL = "{email}"', "clients.acme.fields.EMAIL", "the address itself"),
    ('clients.acme.links = { "1" = "a", "2" = "a" }', "clients.acme.links.2", "another list"),
    ("clients.acme.limits.removals_percent = 101", "clients.acme.limits.removals_percent", "100"),
    ("clients.acme.limits.grace_hours = nan", "clients.acme.limits.grace_hours", "from 0"),
    ("clients.acme.limits.proposal_hours = inf", "clients.acme.limits.proposal_hours", "from 0"),
    ("clients.acme.limits.grace_snapshots = 0", "clients.acme.limits.grace_snapshots", "at least 1"),
    ('clients.acme.limits.canaries = ["x"]', "clients.acme.limits.canaries[0]", "e-mail address"),
    ("clients.acme.policy.archive_opted_out = 1", "clients.acme.policy.archive_opted_out", "true or false"),
    ('clients.acme.notify.to = ["a@b.nl"]', "clients.acme.notify.to", "no [mail] table"),
    ('clients."a b".mode = "plan"', 'clients."a b"', "name"),
    ('clients.Acme.mode = "plan"', "clients.Acme", "small letters"),
    ('clients.b = { mode = "plan", csv.folder = "x" }', "clients.b.mailchimp.api_key", "setting 3111"),
]


@pytest.mark.parametrize(("line", "path", "sentence"), REFUSED, ids=[line for line, _, _ in REFUSED])
def test_a_wrong_value_is_told_with_its_place(folder: Folder, line: str, path: str, sentence: str) -> None:
    dotted_client = 'clients.acme.mode = "plan"\nclients.acme.otys.api_key = { env = "OTYS_KEY" }\n'

    assert sentence in folder.problems(dotted_client + line)[path]


def test_a_file_without_clients_is_refused(folder: Folder) -> None:
    assert "names no client" in folder.problems("[daemon]\nworkers = 2")["clients"]


def test_a_syntax_error_is_told_with_its_line(folder: Folder) -> None:
    found = folder.problems(f'[daemon]\nworkers = 4\ntoken = "{SECRET}\n')

    assert len(found) == 1
    (path,) = found
    assert path.startswith("line 3")
    assert "not TOML" in found[path]


def test_a_file_that_cannot_be_read_is_told(folder: Folder) -> None:
    with pytest.raises(ConfigurationError) as missing:
        load_config(folder.path / "none.toml", {})
    with pytest.raises(ConfigurationError) as directory:
        load_config(folder.path, {})
    folder.file.write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigurationError) as latin:
        load_config(folder.file, {})

    assert "reconciler config init" in missing.value.problems[0].message
    assert "cannot be read" in directory.value.problems[0].message
    assert "UTF-8" in latin.value.problems[0].message


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


# -- what is generated ---------------------------------------------------------------------------------


def keys(key: Key) -> Iterator[Key]:
    yield key
    for below in key.below:
        yield from keys(below)


def test_every_key_is_explained() -> None:
    unexplained = [
        key.name for key in keys(root()) if not key.description and key.name not in ("NAME", "clients", "")
    ]

    assert unexplained == []


def test_the_committed_example_is_what_init_writes() -> None:
    assert (ROOT / "config" / "reconciler.toml").read_text(encoding="utf-8") == example()


def test_the_committed_page_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == document()


def switched_on(text: str) -> Iterator[str]:
    """Given the example, yield its lines with every commented key and table switched on."""
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        if re.match(r"\[[\w.]+\]$|\"?\w+\"? = ", bare) and "smtp_url = { env" not in bare:
            yield bare


def names(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, below in cast("dict[str, object]", tree).items():
            yield name
            yield from names(below)


def test_the_example_names_every_key() -> None:
    shown = set(names(tomllib.loads("\n".join(switched_on(example())))))

    assert {key.name for key in keys(root())} - shown == {"NAME", ""}


def test_the_example_works_with_every_line_switched_on(folder: Folder) -> None:
    tables = "\n".join(switched_on(example())).split("\n[")
    text = "\n[".join(table for table in tables if not table.startswith("clients.example.csv"))

    config = folder.load(text, EXAMPLE_OTYS_KEY="1", EXAMPLE_MAILCHIMP_KEY="2", RECONCILER_TOKEN="3")

    example_client = config.clients["example"]
    assert example_client.mode is Mode.PLAN
    assert example_client.policy == Policy()
    assert example_client.limits == Limits()
    assert config.daemon == DaemonConfig()


def test_keys_know_the_form_of_what_they_hold() -> None:
    forms = {key.name: key.form for key in keys(root())}

    assert forms["token"] is Form.SECRET
    assert forms["smtp_url"] is Form.URL
    assert forms["grace_hours"] is Form.NUMBER
    assert forms["3109"] is Form.SWITCH
