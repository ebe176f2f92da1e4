import json
import stat
from pathlib import Path

import pytest

from reconciler.config.example import example
from tests.cli.conftest import Run

KEY = "0123456789abcdef0123456789abcdef-us6"

WORKING = """
[state]
url = "postgresql+psycopg://sync:p@ss/w:rd@db/sync?password=hunter2"
[clients.acme]
mode = "apply"
[clients.acme.otys]
api_key = { env = "OTYS_KEY" }
[clients.acme.mailchimp]
api_key = "%s"
"""


def write(folder: Path, text: str) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "reconciler.toml").write_text(text, encoding="utf-8")


def test_init_writes_the_example_for_its_owner_only_and_says_what_to_do_next(run: Run, folder: Path) -> None:
    ended = run("config", "init")

    written = folder / "config" / "reconciler.toml"
    assert ended.code == 0
    assert written.read_text(encoding="utf-8") == example()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "reconciler config check" in ended.out
    assert "EXAMPLE_OTYS_KEY" in ended.out


def test_init_leaves_a_file_alone_that_is_there_unless_forced(run: Run, folder: Path) -> None:
    mine = folder / "mine.toml"
    mine.write_text("# mine", encoding="utf-8")
    mine.chmod(0o644)

    refused = run("config", "init", "--path", str(mine))
    assert refused.code == 2
    assert "--force" in refused.err
    assert mine.read_text(encoding="utf-8") == "# mine"

    assert run("config", "init", "--path", str(mine), "--force").code == 0
    assert mine.read_text(encoding="utf-8") == example()
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600


def test_init_says_why_it_cannot_write(run: Run, folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")

    ended = run("config", "init", "--path", "file/reconciler.toml")

    assert ended.code == 1
    assert "file/reconciler.toml cannot be written" in ended.err
    assert "Traceback" not in ended.err


def test_the_written_example_works_as_soon_as_its_one_secret_is_there(run: Run) -> None:
    run("config", "init")

    missing = run("config", "check")
    assert missing.code == 2
    assert "clients.example.otys.api_key: environment variable EXAMPLE_OTYS_KEY is not set" in missing.err

    ready = run("config", "check", EXAMPLE_OTYS_KEY="00123")
    assert ready.code == 0
    assert ready.out == "ok: config/reconciler.toml: 1 client (1 in plan mode)\n"


def test_check_tells_all_problems_in_one_go_and_exits_with_2(run: Run, folder: Path) -> None:
    write(folder, "[daemon]\nworkers = 0\n[clients.acme]\nmode = 'aply'\n[clients.acme.otys]\napikey = 'x'\n")

    ended = run("config", "check")

    assert ended.code == 2
    assert ended.out == ""
    assert "4 problems in config/reconciler.toml" in ended.err
    assert "  - daemon.workers: must be at least 1\n" in ended.err
    assert '  - clients.acme.mode: must be "plan" or "apply"; did you mean "apply"?\n' in ended.err
    assert '  - clients.acme.otys.apikey: is not a key here; did you mean "api_key"?\n' in ended.err
    assert "  - clients.acme.otys.api_key: is missing." in ended.err


def test_check_warns_of_a_secret_in_plain_text_and_still_succeeds(run: Run, folder: Path) -> None:
    write(folder, WORKING % KEY)

    ended = run("config", "check", OTYS_KEY="1")

    assert ended.code == 0
    assert "clients.acme.mailchimp.api_key: is a secret in plain text" in ended.out
    assert "state.url: is a secret in plain text" in ended.out
    assert KEY not in ended.out


def test_check_as_json_is_for_programs(run: Run, folder: Path) -> None:
    write(folder, WORKING % KEY)

    good = run("config", "check", "--json", OTYS_KEY="1")
    bad = run("config", "check", "--json")

    assert good.code == 0
    assert json.loads(good.out)["clients"] == {"acme": "apply"}
    assert [warning["path"] for warning in json.loads(good.out)["warnings"]] == [
        "state.url",
        "clients.acme.mailchimp.api_key",
    ]
    assert bad.code == 2
    assert json.loads(bad.out) == {
        "ok": False,
        "file": "config/reconciler.toml",
        "problems": [
            {"path": "clients.acme.otys.api_key", "message": "environment variable OTYS_KEY is not set"}
        ],
    }


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_show_never_prints_a_secret_and_needs_none(run: Run, folder: Path, form: tuple[str, ...]) -> None:
    write(folder, WORKING % KEY)

    ended = run("config", "show", *form)

    assert ended.code == 0
    assert "********" in ended.out
    for secret in (KEY, "p@ss", "w:rd", "hunter2"):
        assert secret not in ended.out + ended.err


def test_show_tells_where_each_value_comes_from(run: Run, folder: Path) -> None:
    write(folder, WORKING % KEY)

    shown = run("config", "show", RECONCILER__DAEMON__WORKERS="8").out

    assert "[daemon]\n" in shown
    assert "workers = 8  # from environment variable RECONCILER__DAEMON__WORKERS\n" in shown
    assert "shutdown_grace = 30  # default\n" in shown
    assert 'mode = "apply"\n' in shown
    assert 'api_key = "********"  # from environment variable OTYS_KEY\n' in shown
    assert 'api_key = "********"  # from plain text in the configuration\n' in shown


def test_show_as_json_nests_like_the_file(run: Run, folder: Path) -> None:
    write(folder, WORKING % KEY)

    shown = json.loads(run("config", "show", "--json").out)

    assert shown["daemon"]["workers"] == 10
    assert shown["clients"]["acme"]["policy"]["list_deleted"] == "delete"
    assert shown["clients"]["acme"]["otys"]["api_key"] == {
        "secret": "********",
        "from": "environment variable OTYS_KEY",
    }


def test_the_file_can_be_named_before_or_after_the_command_or_in_the_environment(
    run: Run, folder: Path
) -> None:
    (folder / "other.toml").write_text(WORKING % KEY, encoding="utf-8")

    for named in (
        run("--config", "other.toml", "config", "check", OTYS_KEY="1"),
        run("config", "check", "--config", "other.toml", OTYS_KEY="1"),
        run("config", "check", "--config=other.toml", "--verbose", OTYS_KEY="1"),
        run("config", "check", "-c", "other.toml", OTYS_KEY="1"),
        run("config", "check", OTYS_KEY="1", RECONCILER_CONFIG="other.toml"),
    ):
        assert named.code == 0, named.err
        assert "other.toml" in named.out


def test_a_missing_file_is_told_with_the_command_that_writes_one(run: Run) -> None:
    ended = run("config", "check")

    assert ended.code == 2
    assert "config/reconciler.toml" in ended.err
    assert "reconciler config init" in ended.err


@pytest.mark.parametrize(
    "line", [("confg",), ("config", "chek"), ("config", "check", "--jsn"), ("--config",)]
)
def test_a_wrong_command_line_exits_with_2(run: Run, line: tuple[str, ...]) -> None:
    ended = run(*line)

    assert ended.code == 2
    assert "Error" in ended.err
    assert "Traceback" not in ended.err


def test_help_names_the_commands_and_the_exit_codes(run: Run) -> None:
    ended = run("--help")

    assert ended.code == 0
    assert "config" in ended.out
    assert "75 another pass" in ended.out
