from pathlib import Path

import pytest

from reconciler.config import load_config
from reconciler.errors import ConfigurationError
from tests.config_folder import MINIMAL, SECRET, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


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
