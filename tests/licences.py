"""The libraries the program stands on, and their licences; `make docs` writes them to docs/licences.md."""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
EXTRAS = [
    Requirement(text) for texts in PROJECT["project"]["optional-dependencies"].values() for text in texts
]

IN_OTHER_WORDS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "ZPL 2.1": "ZPL-2.1",
}

PAGE = """# Licences

The program itself is proprietary. These are the libraries that are installed with it, and the licence each
declares. `make docs` writes this page; a test compares it with what is installed.

All are permissive, but for two: certifi, a list of certificates, is under the MPL, and psycopg is under the
LGPL. Both are used unchanged, psycopg only where the database is PostgreSQL (the extra `postgresql`).

| library | licence |
| --- | --- |
"""


def licences(wanted: Iterable[Requirement]) -> dict[str, str]:
    """What is installed for these requirements here, with all that it needs in its turn."""
    libraries = libraries_behind(wanted)
    return {name: licence_of(libraries[name]) for name in sorted(libraries)}


def libraries_behind(wanted: Iterable[Requirement]) -> dict[str, Distribution]:
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


def page() -> str:
    rows = licences([*RUNTIME, *EXTRAS]).items()
    return PAGE + "".join(f"| {name} | {licence} |\n" for name, licence in rows)


if __name__ == "__main__":
    sys.stdout.write(page())
