"""What the project ships beside its code: the lock file, the licences it stands on, its front page."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.cli import build_app
from reconciler.cli.exits import ExitCode

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
EXTRAS = [
    Requirement(text) for texts in PROJECT["project"]["optional-dependencies"].values() for text in texts
]
DEVELOPMENT = [Requirement(text) for text in PROJECT["dependency-groups"]["dev"]]

PERMISSIVE = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "PSF-2.0", "Unlicense", "MPL-2.0"}
IN_OTHER_WORDS = {
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "MIT OR Apache-2.0": "MIT",
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


def libraries_behind(wanted: list[Requirement]) -> dict[str, Distribution]:
    """What is installed for these requirements here, with all that it needs in its turn."""
    found: dict[str, Distribution] = {}
    waiting = set(_with_extras(wanted))
    asked: set[tuple[str, str]] = set()
    while waiting:
        asked |= waiting
        next_round: set[tuple[str, str]] = set()
        for name, extra in waiting:
            found[name] = distribution(name)
            needs = map(Requirement, found[name].requires or ())
            next_round |= set(_with_extras(need for need in needs if _applies(need, extra)))
        waiting = next_round - asked
    return found


def _with_extras(requirements: Iterable[Requirement]) -> Iterator[tuple[str, str]]:
    for requirement in requirements:
        yield from ((canonicalize_name(requirement.name), extra) for extra in ("", *requirement.extras))


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def licence_of(library: Distribution) -> str:
    facts = library.metadata
    texts = [*(facts.get_all("License-Expression") or ()), *(facts.get_all("License") or ())]
    names = [text for text in texts if "\n" not in text]  # some put the whole licence there
    classifiers = [text for text in facts.get_all("Classifier") or () if text.startswith("License ::")]
    declared: str = [*names, *(text.rpartition(":: ")[2] for text in classifiers)][0]
    return IN_OTHER_WORDS.get(declared, declared)


def licence_table() -> dict[str, str]:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    table = page.partition("| --- | --- |")[2]
    rows = re.findall(r"^\| (\S+) \| (\S+) \|$", table, re.MULTILINE)
    return dict(rows)


def test_every_library_the_program_needs_has_a_permissive_licence() -> None:
    licences = {name: licence_of(library) for name, library in libraries_behind(RUNTIME).items()}

    assert {name: licence for name, licence in licences.items() if licence not in PERMISSIVE} == {}


def test_the_libraries_of_an_extra_are_permissive_or_lgpl() -> None:
    licences = {name: licence_of(library) for name, library in libraries_behind(EXTRAS).items()}
    allowed = PERMISSIVE | {"LGPL-3.0-only"}

    assert {name: licence for name, licence in licences.items() if licence not in allowed} == {}


def test_the_page_of_licences_names_every_library_with_its_licence() -> None:
    installed = {name: licence_of(lib) for name, lib in libraries_behind([*RUNTIME, *EXTRAS]).items()}
    table = licence_table()

    assert {name: table.get(name) for name in installed} == installed
    assert set(table) - set(locked_versions()) == set()


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
