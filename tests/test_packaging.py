"""What the project ships beside its code: the lock file, the licences it stands on, its front page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.cli import build_app
from reconciler.cli.exits import ExitCode
from tests.licences import EXTRAS, PROJECT, RUNTIME, licences

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEVELOPMENT = [Requirement(text) for text in PROJECT["dependency-groups"]["dev"]]

PERMISSIVE = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT OR Apache-2.0",
    "MPL-2.0",
    "PSF-2.0",
    "Unlicense",
    "ZPL-2.1",
}


def locked_versions() -> dict[str, str]:
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE)
    return dict(pinned)


@pytest.mark.parametrize("wanted", [*RUNTIME, *EXTRAS, *DEVELOPMENT], ids=str)
def test_the_lock_file_satisfies_what_pyproject_asks_for(wanted: Requirement) -> None:
    locked = locked_versions().get(canonicalize_name(wanted.name))

    assert locked is not None, f"run `make lock`: {wanted.name} is not locked"
    assert locked in wanted.specifier, f"run `make lock`: {wanted} is locked as {locked}"


def test_every_locked_package_has_a_hash_and_none_names_where_it_comes_from() -> None:
    without_hash = re.findall(r"^\S+==[^\\\n]+$", LOCK, re.MULTILINE)

    assert len(locked_versions()) > len(RUNTIME)
    assert without_hash == []
    assert "://" not in LOCK


def licence_table() -> dict[str, str]:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| (.+) \|$", page.partition("| --- | --- |")[2], re.MULTILINE)
    return dict(rows)


def those_beyond(allowed: set[str], found: dict[str, str]) -> dict[str, str]:
    return {name: licence for name, licence in found.items() if not set(licence.split(" AND ")) <= allowed}


def test_every_library_the_program_needs_has_a_permissive_licence() -> None:
    assert those_beyond(PERMISSIVE, licences(RUNTIME)) == {}


def test_the_libraries_of_an_extra_are_permissive_or_lgpl() -> None:
    assert those_beyond(PERMISSIVE | {"LGPL-3.0-only"}, licences(EXTRAS)) == {}


def test_the_page_of_licences_names_every_library_with_its_licence() -> None:
    installed, table = licences([*RUNTIME, *EXTRAS]), licence_table()

    assert {name: table.get(name) for name in installed} == installed, "run `make docs`"
    assert set(table) - set(locked_versions()) == set(), "run `make docs`"


def commands_of(app: typer.Typer) -> Iterator[str]:
    root = typer.main.get_command(app)
    for name, command in getattr(root, "commands", {}).items():
        parts = getattr(command, "commands", None)
        yield from (name,) if parts is None else (f"{name} {part}" for part in parts)


def test_every_command_of_the_front_page_exists() -> None:
    known = set(commands_of(build_app()))
    named = {tuple(words.split()) for words in re.findall(r"`reconciler ([^`]+)`", README)}

    assert named
    assert {words for words in named if not {words[0], " ".join(words[:2])} & known} == set()


def test_the_front_page_tells_every_exit_code() -> None:
    told = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)

    assert [int(code) for code in told] == sorted(ExitCode)


PAGES = ["README.md", "CHANGELOG.md", *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_only_to_what_is_there(page: str) -> None:
    place = (ROOT / page).parent
    targets = re.findall(r"\]\(\s*(?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))

    assert [target for target in targets if not (place / target).exists()] == []


@pytest.mark.parametrize("file", ["README.md", ".ci/run", ".pre-commit-config.yaml"])
def test_only_make_targets_that_exist_are_named(file: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(
        r"(?:^|`|entry: )make ([a-z-]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
    )

    assert named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
