"""Knows which files the configuration stands in: the main one, and more clients in a folder beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.config.environment import Tree
from reconciler.config.problems import spell
from reconciler.errors import ConfigurationError, Problem
from reconciler.toml_text import NotToml, parse_toml

CLIENTS_FOLDER = "clients.d"


@dataclass(frozen=True, slots=True)
class Files:
    """What the files say, as if it stood in one."""

    tree: Tree
    homes: Mapping[str, Path]
    """The file of each client that does not stand in the main one."""
    problems: tuple[Problem, ...]
    """What is wrong with the files of the folder themselves."""


def read_files(source: Path) -> Files:
    """Given the main file, return what it and the files of the folder beside it say.

    Raise ConfigurationError if the main file cannot be read or is not TOML.
    """
    main = _parse(source)
    problems: list[Problem] = []
    more = _client_files(source.parent / CLIENTS_FOLDER, problems)
    if isinstance(main, Problem):
        raise ConfigurationError([main, *problems], source=str(source))
    return _together(source, main, more, problems)


def _client_files(folder: Path, problems: list[Problem]) -> Sequence[tuple[Path, Tree]]:
    """Given the folder, return each readable file with its tree, and add what is wrong with the others."""
    try:
        # Not by glob, which takes a folder that cannot be read for an empty one: clients would leave.
        names = sorted(folder.iterdir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        problems.append(Problem(str(folder), f"cannot be read: {error.strerror}"))
        return ()
    found = []
    for file in names:
        if file.suffix != ".toml" or file.name.startswith("."):
            continue
        match _parse(file):
            case Problem(path=where, message=message):
                problems.append(Problem(f"{file}: {where}", message))
            case tree:
                found.append((file, tree))
    return found


def _together(
    source: Path, main: Tree, more: Sequence[tuple[Path, Tree]], problems: Sequence[Problem]
) -> Files:
    wrong = list(problems)
    clients = main.get("clients", {})
    if not isinstance(clients, dict):
        return Files(main, {}, tuple(wrong))  # a plain value is told when the types are checked
    merged, homes = dict(clients), dict[str, Path]()
    for file, tree in more:
        wrong += [
            Problem(f"{file}: {spell((key,))}", f"cannot stand in {CLIENTS_FOLDER}: only [clients.NAME] can")
            for key in tree.keys() - {"clients"}
        ]
        here = tree.get("clients", {})
        if not isinstance(here, dict):
            wrong.append(Problem(f"{file}: clients", "must be a table"))
            continue
        for name, table in here.items():
            if name in merged:
                first = homes.get(name, source)
                message = f"stands in {first} and in {file}; take it out of one of them"
                wrong.append(Problem(spell(("clients", name)), message))
            else:
                merged[name], homes[name] = table, file
    return Files({**main, "clients": merged} if homes else main, homes, tuple(wrong))


def _parse(file: Path) -> Tree | Problem:
    """Given a file, return what it says, or why that cannot be known."""
    try:
        return parse_toml(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = "does not exist; write one with `reconciler config init`, or name another with --config"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text; save it as UTF-8"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except NotToml as error:
        return _syntax_problem(str(error))
    return Problem("the file", problem)


def _syntax_problem(message: str) -> Problem:
    """Given what the TOML reader says, return it with its place in front."""
    parts = re.fullmatch(r"(.*) \(at (.*)\)", message, re.DOTALL)
    what, where = (parts[1], parts[2]) if parts else (message, "the file")
    return Problem(where, f"is not TOML: {what[:1].lower()}{what[1:]}")
