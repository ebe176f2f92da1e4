"""A mapping file that cannot be used: every command says so before anything is asked."""

from functools import partial

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk

COMMANDS = [("config", "check"), ("plan",), ("once",)]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (b"dit is geen toml", ["this is not TOML: Expected '=' after a key"]),
        (b"\xff\xfe", ["the mapping file is not UTF-8 text"]),
        (
            b'[recipients]\nservise = "x"\n[listz]\nsort = "uid"\n',
            [
                "listz: unknown key; did you mean 'lists'?",
                "recipients.servise: unknown key; did you mean 'service'?",
            ],
        ),
        (None, ["the mapping file cannot be read: No such file or directory"]),
    ],
    ids=["no toml", "no text", "unknown keys", "no file"],
)
def test_a_mapping_that_cannot_be_used(
    desk: Desk, nurses: MailingList, content: bytes | None, problems: list[str]
) -> None:
    file = desk.agency.folder / "mapping.toml"
    if content is not None:
        file.write_bytes(content)
    desk.agency.mapping = file
    asked = desk.agency.sandbox.log.last_number()
    for command in COMMANDS:
        ended = desk.loses_nothing(partial(desk.type, *command))
        assert ended.code == 2
        assert str(file) in ended.err
        assert [problem for problem in problems if problem not in ended.err] == []
        assert f"Error: {len(problems)} problem" in ended.err
        assert "Correct them and run `reconciler config check` again." in ended.err
    assert desk.agency.sandbox.log.last_number() == asked
    desk.agency.mapping = None
    desk.recovers(nurses)


def test_an_overridden_setting_that_does_not_exist(desk: Desk) -> None:
    sandbox, world = desk.agency.sandbox, desk.agency.world
    desk.agency.configure(
        otys=f'endpoint = "{sandbox.otys_url}"\napi_key = "{world.otys_api_key}"\n'
        'settings = { "3122" = "x" }'
    )
    ended = desk.check()
    assert ended.code == 2
    assert "3122" in ended.err
